import { createMemoryLeases, leaseStoreContract } from '../testing/index.ts';

// What the scheduler's tests of leadership run on keeps to the same contract as MongoDB.
leaseStoreContract(async () => ({ leases: createMemoryLeases(), close: () => Promise.resolve() }));
