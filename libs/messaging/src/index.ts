export {
  type Broker,
  type BrokerState,
  type Consumer,
  type Delivery,
  type ExchangeName,
  type QueueCount,
  type QueueName,
} from './broker.ts';
export { amqpUrlProblem } from './amqp-url.ts';
export { connectBroker, type BrokerSettings } from './connect-broker.ts';
export { createMemoryBroker, createMemoryHub, type MemoryHub } from './memory-broker.ts';
export {
  openExamination,
  type BrokerExamination,
  type BrokerExaminationOptions,
  type TopologyFacts,
} from './examine-broker.ts';
export { maxBodyBytes } from './body.ts';
export { deliveryLimit } from './topology.ts';
