export { mesosConformance, type ClusterUnderTest } from './conformance.ts';
export {
  callFromJson,
  eventFromJson,
  loadHttpErrors,
  loadJson,
  loadScenario,
  loadStream,
  scenarioNames,
  type RecordedAnswer,
  type RecordedCall,
  type Scenario,
  type Step,
} from './recordings.ts';
export { describeWithZooKeeper, openZnodes, type ZnodeWriter, type ZooKeeperServer } from './zookeeper-server.ts';
