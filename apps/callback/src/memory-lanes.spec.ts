import { deliveryStoreContract } from '@juice/persistence/testing';
import type { TaskStore } from '@juice/persistence';
import { createMemoryLanes } from '../testing/memory-lanes.ts';

deliveryStoreContract(async () => {
  const { tasks, deliveries } = createMemoryLanes();
  // The suite asks no more of a task store than the fake has.
  return { tasks: tasks as TaskStore, deliveries, close: async () => undefined };
});
