export { createTenant, Refused, type KillAnswer, type TaskView, type Tenant } from './tenant.ts';
export { startReceiver, type ReceivedCallback, type Receiver } from './receiver.ts';
export { startStandalone, type StandaloneProcess } from './standalone-process.ts';
export { until } from './until.ts';
