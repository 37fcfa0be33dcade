import { deliveryStoreContract, lanesAsideContract } from '@juice/persistence/testing';
import type { TaskStore } from '@juice/persistence';
import { createMemoryLanes } from '../testing/memory-lanes.ts';

for (const contract of [deliveryStoreContract, lanesAsideContract]) {
  contract(async () => {
    const { tasks, deliveries } = createMemoryLanes();
    // The suites ask no more of a task store than the fake has.
    return { tasks: tasks as TaskStore, deliveries, close: async () => undefined };
  });
}
