export { buildContainerCommand } from '../src/tasks/container-command.ts';
export { startClusterProcess, type ClusterProcess } from './cluster-process.ts';
