export { auditStoreContract, type MadeAuditStore } from './audit-store-contract.ts';
export { eventLogContract, eventOf, eventRetentionMs, type MadeEventLog } from './event-log-contract.ts';
export { deliveryStoreContract, type MadeDeliveryStore } from './delivery-store-contract.ts';
export { endpointStoreContract, type MadeEndpointStore } from './endpoint-store-contract.ts';
export { frameworkStoreContract, type MadeFrameworkStore } from './framework-store-contract.ts';
export { keyStoreContract, type MadeKeyStore } from './key-store-contract.ts';
export { deadLettersContract, type MadeDeadLetters } from './dead-letters-contract.ts';
export { lanesAsideContract } from './lanes-aside-contract.ts';
export { liveTasksContract } from './live-tasks-contract.ts';
export { outboxContract } from './outbox-contract.ts';
export { leaseStoreContract, type MadeLeaseStore } from './lease-store-contract.ts';
export { processStoreContract, type MadeProcessStore } from './process-store-contract.ts';
export { quarantineStoreContract, type MadeQuarantineStore } from './quarantine-store-contract.ts';
export { requestKeysContract, type MadeKeyedStore } from './request-keys-contract.ts';
export { createMemorySwitches } from './memory-switches.ts';
export { switchStoreContract, type MadeSwitchStore } from './switch-store-contract.ts';
export { taskPagesContract, type MadePagedStore } from './task-pages-contract.ts';
export { taskStoreContract } from './task-store-contract.ts';
export type { MadeTaskStore } from './use-task-store.ts';
export { tenantStoreContract, type MadeTenantStore } from './tenant-store-contract.ts';
export { transitionContract } from './transition-contract.ts';
export { chanceOf, type Chance } from './log-history.ts';
export { createMemoryLeases } from './memory-leases.ts';
export {
  createMemoryEventLog,
  createMemoryLog,
  memoryLogDocuments,
  type LogServer,
  type MemoryLog,
} from './memory-event-log.ts';
export { createMemoryEndpoints, type MemoryEndpoints } from './memory-endpoints.ts';
export { createMemoryLanes, type MemoryLanes } from './memory-lanes.ts';
export { createMemoryReplays } from './memory-replays.ts';
export { replayStoreContract, type MadeReplayStore } from './replay-store-contract.ts';
export { callbackTestsContract, type MadeCallbackTests } from './callback-tests-contract.ts';
export { createMemoryCallbackTests } from './memory-callback-tests.ts';
export { usageStoreContract, type CountingStore, type MadeUsageStore } from './usage-store-contract.ts';
