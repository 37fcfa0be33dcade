export { bundleServer, startServerProcess, type ServerProcess } from './server-process.ts';
export { createFolder } from './folder.ts';
