export { createChance, spreadOf, type Chance } from './chance.ts';
export {
  followEvents,
  openEventStream,
  type EventFollower,
  type EventStreamClient,
  type StreamFrame,
} from './event-stream.ts';
export { createTenant, Refused, type KillAnswer, type TaskView, type Tenant } from './tenant.ts';
export { startReceiver, type ReceivedCallback, type Receiver } from './receiver.ts';
export { startService, startStandalone, type JuiceProcess, type ProcessOptions } from './juice-process.ts';
export { until } from './until.ts';
export { startRabbitProcess, type RabbitProcess } from './rabbit-process.ts';
