export { auditStoreContract, type MadeAuditStore } from './audit-store-contract.ts';
export { deliveryStoreContract, type MadeDeliveryStore } from './delivery-store-contract.ts';
export { frameworkStoreContract, type MadeFrameworkStore } from './framework-store-contract.ts';
export { keyStoreContract, type MadeKeyStore } from './key-store-contract.ts';
export { leaseStoreContract, type MadeLeaseStore } from './lease-store-contract.ts';
export { quarantineStoreContract, type MadeQuarantineStore } from './quarantine-store-contract.ts';
export { taskStoreContract, type MadeTaskStore } from './task-store-contract.ts';
export { tenantStoreContract, type MadeTenantStore } from './tenant-store-contract.ts';
export { transitionContract } from './transition-contract.ts';
