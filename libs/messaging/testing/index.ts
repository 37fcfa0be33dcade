export { brokerContract, type BrokerUnderTest } from './broker-contract.ts';
export { openInbox, type Inbox } from './inbox.ts';
export { until } from './until.ts';
export { describeWithRabbit, removeTopology, uniquePrefix } from './rabbitmq.ts';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
