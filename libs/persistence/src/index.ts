export { connectMongo, type MongoConnection, type MongoOptions } from './connection.ts';
export { mongoUrlProblem } from './mongo-url.ts';
export { compareIndexes, ensureIndexes, type IndexFacts } from './collections.ts';
export { examineMongo, type MongoFacts } from './examine-mongo.ts';
export { prepareStore, readSchema, type SchemaFacts } from './migrations/prepare-store.ts';
export { createTaskStore, type LaunchSpec, type TaskStore, type TaskStoreOptions } from './task-store.ts';
export { type Frame } from './apply-transitions.ts';
export { type InsertOutcome, type NewTask } from './insert-tasks.ts';
export { type KillOutcome } from './request-kills.ts';
export { type KnownRequest, type RequestKey } from './request-keys.ts';
export { type ChosenTask, type ListedTask, type Page, type PageQuery } from './task-pages.ts';
export { type LoadedTask } from './live-tasks.ts';
export { type OutboxPage, type PublishedEvent } from './outbox.ts';
export {
  type AttemptRecord,
  type CallbackLane,
  type HistoryRecord,
  type OutboxRecord,
  type PendingRecord,
  type TaskRecord,
} from './task-record.ts';
export { createLeaseStore, type Lease, type LeaseStore } from './lease-store.ts';
export { createFrameworkStore, type FrameworkStore } from './framework-store.ts';
export { createQuarantineStore, type QuarantinedCase, type QuarantineStore } from './quarantine-store.ts';
export { createDeliveryStore, type DeliveryStore } from './delivery-store.ts';
export { type Claim } from './claim-lane.ts';
export { type Abandoned, type CalledBackRun, type ClaimedLane, type PendingState } from './claimed-lane.ts';
export { causeOf, endpointOf, fingerprintOf, reasonOfCause, replayOfMark } from './lane-keys.ts';
export { type DeadChoice, type DeadGroup, type DeadLetter, type DeadLetters } from './dead-letters.ts';
export { type ReplayedCount } from './replay-lanes.ts';
export {
  failedAgain,
  type HeldReplay,
  type NewReplay,
  type Replay,
  type ReplayAction,
  type ReplayCreation,
  type ReplayKey,
  type ReplayState,
  type ReplayWord,
} from './replay.ts';
export {
  createReplayStore,
  type ReplayChange,
  type ReplayStore,
  type ReplayTurn,
  type ReplayTurns,
} from './replay-store.ts';
export { type LaneOverview } from './lane-overview.ts';
export { type LanesAside, type ListedLane } from './list-lanes.ts';
export { type Aside } from './put-aside.ts';
export { type Death, type Delivered, type Failure, type Settled, type Settling } from './settle-lane.ts';
export {
  plainEndpointState,
  unknownEndpoint,
  type Endpoint,
  type EndpointPause,
  type EndpointState,
  type OpenBreaker,
} from './endpoint.ts';
export { createEndpointStore, type EndpointChange, type EndpointStore } from './endpoint-store.ts';
export { type CallbackAttempt } from './callback-attempts.ts';
export {
  createTenantStore,
  type CallbackRules,
  type CallbackSecret,
  type CallbackSecretFacts,
  type SeenVersion,
  type Signing,
  type Tenant,
  type TenantStore,
} from './tenant-store.ts';
export { createSwitchStore, type Switch, type SwitchStore } from './switch-store.ts';
export { createProcessStore, type ProcessStore, type SeenProcess } from './process-store.ts';
export { createShortMemory, type ShortMemory } from './short-memory.ts';
export { createKeyStore, type ApiKey, type KeyStore, type NewKey } from './key-store.ts';
export { createAuditStore, type Audited, type AuditFilter, type AuditIntent, type AuditStore } from './audit-store.ts';
export { createEventLog, type EventLog, type EventLogOptions, type LogPage } from './event-log.ts';
export {
  noBlock,
  openLog,
  type Block,
  type EventLogWriter,
  type LogDocuments,
  type LogEntry,
  type NewEvent,
} from './event-log-writer.ts';
export { testTakenWithinMs, type CallbackTest, type CallbackTests } from './callback-tests.ts';
export { createCallbackStores, type CalledBackRecord, type CallbackStores } from './callback-stores.ts';
export {
  createUsageStore,
  type CountedUsage,
  type Use,
  type UsageRange,
  type UsageStore,
  type UsedTask,
} from './usage-store.ts';
