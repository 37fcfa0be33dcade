export { startLocalMesos, type LocalMesos, type LocalMesosOptions } from './local-mesos.ts';
export { type AgentSpec } from './agent-spec.ts';
export {
  createCluster,
  type AgentSetup,
  type Cluster,
  type ClusterSetup,
  type ClusterSnapshot,
  type Fault,
  type MasterAnswer,
  type MasterRequest,
} from './cluster.ts';
export { defaultSettings, type ClusterSettings, type Effect, type ExecutorReport } from './cluster-state.ts';
