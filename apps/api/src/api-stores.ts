import {
  createAuditStore,
  createCallbackStores,
  createDeliveryStore,
  createEventLog,
  createKeyStore,
  createLeaseStore,
  createSwitchStore,
  createTaskStore,
  createTenantStore,
  createUsageStore,
  type MongoConnection,
} from '@juice/persistence';

/** Of what the api runs on, all that one database provides. */
export function createApiStores(mongo: MongoConnection) {
  return {
    tasks: createTaskStore(mongo),
    tenants: createTenantStore(mongo),
    switches: createSwitchStore(mongo),
    keys: createKeyStore(mongo),
    audits: createAuditStore(mongo),
    eventLog: createEventLog(mongo),
    callbacks: createCallbackStores(mongo),
    leases: createLeaseStore(mongo),
    usage: createUsageStore(mongo),
    overviewLanes: createDeliveryStore(mongo).overviewLanes,
    store: mongo,
  };
}
