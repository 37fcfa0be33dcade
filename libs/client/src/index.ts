export { createAdminClient, type AdminClient } from './admin-client.ts';
export { type CallOptions, type ClientOptions } from './call.ts';
export {
  createCallbacksClient,
  type CallbacksClient,
  type CallbacksOptions,
  type DeadFilter,
  type EndpointName,
  type NewReplay,
  type ReplayChoice,
} from './callbacks-client.ts';
export { type EventsOptions, type TaskEvent } from './follow-events.ts';
export { type LogOptions } from './follow-log.ts';
export { JuiceError, JuiceUnreachableError } from './errors.ts';
export { type Submission, type TaskChoice } from './submission.ts';
export { type BatchOptions } from './submit-batches.ts';
export { createClient, type Id, type KeyedOptions, type TenantClient, type TenantOptions } from './tenant-client.ts';
export { verifyCallback, type Callback, type Verified } from './verify-callback.ts';
export { hasEnded, type WaitOptions } from './wait-for-task.ts';
