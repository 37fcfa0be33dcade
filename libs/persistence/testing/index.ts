export { deliveryStoreContract, type MadeDeliveryStore } from './delivery-store-contract.ts';
export { frameworkStoreContract, type MadeFrameworkStore } from './framework-store-contract.ts';
export { leaseStoreContract, type MadeLeaseStore } from './lease-store-contract.ts';
export { quarantineStoreContract, type MadeQuarantineStore } from './quarantine-store-contract.ts';
export { taskStoreContract, type MadeTaskStore } from './task-store-contract.ts';
export { transitionContract } from './transition-contract.ts';
