export { type AgentSpec } from './agent-spec.ts';
export {
  createCluster,
  type AgentSetup,
  type Cluster,
  type ClusterSetup,
  type ClusterSnapshot,
} from './cluster/cluster.ts';
export { defaultSettings, type ClusterSettings, type Effect, type ExecutorReport } from './cluster/cluster-state.ts';
export { type Fault } from './cluster/faults.ts';
export { type MasterAnswer, type MasterRequest } from './cluster/requests.ts';
export { startLocalMesos, type LocalMesos, type LocalMesosOptions } from './local-mesos.ts';
