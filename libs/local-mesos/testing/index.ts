export { startClusterProcess, type ClusterProcess } from './cluster-process.ts';
