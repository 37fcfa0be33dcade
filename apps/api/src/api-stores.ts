import type { RetentionOptions } from '@juice/contracts';
import {
  createAuditStore,
  createCallbackStores,
  createDeliveryStore,
  createEventLog,
  createKeyStore,
  createLeaseStore,
  createProcessStore,
  createSwitchStore,
  createTaskStore,
  createTenantStore,
  createUsageStore,
  type MongoConnection,
} from '@juice/persistence';

/** Of what the api runs on, all that one database provides. `kept`: for how long. */
export function createApiStores(mongo: MongoConnection, kept: RetentionOptions = {}) {
  return {
    tasks: createTaskStore(mongo, kept),
    tenants: createTenantStore(mongo),
    switches: createSwitchStore(mongo),
    keys: createKeyStore(mongo),
    audits: createAuditStore(mongo, kept),
    eventLog: createEventLog(mongo),
    callbacks: createCallbackStores(mongo, kept),
    leases: createLeaseStore(mongo),
    processes: createProcessStore(mongo),
    usage: createUsageStore(mongo, kept),
    overviewLanes: createDeliveryStore(mongo).overviewLanes,
    store: mongo,
  };
}
