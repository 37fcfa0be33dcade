import {
  callbackTestsContract,
  createMemoryCallbackTests,
  createMemoryEndpoints,
  createMemoryLanes,
  createMemoryReplays,
  createMemorySwitches,
  deadLettersContract,
  deliveryStoreContract,
  endpointStoreContract,
  lanesAsideContract,
  replayStoreContract,
  switchStoreContract,
} from '../testing/index.ts';
import type { TaskStore } from './index.ts';

// The fakes that the services' tests stand on keep the same contracts.

const close = async (): Promise<void> => undefined;

for (const contract of [deliveryStoreContract, lanesAsideContract, deadLettersContract]) {
  contract(async () => {
    const { tasks, deliveries, deadLetters } = createMemoryLanes();
    // The suites ask no more of a task store than the fake has.
    return { tasks: tasks as TaskStore, deliveries, deadLetters, close };
  });
}
endpointStoreContract(async () => ({ endpoints: createMemoryEndpoints().store, close }));
replayStoreContract(async () => ({ replays: createMemoryReplays(), close }));
callbackTestsContract(async () => ({ tests: createMemoryCallbackTests(), close }));
switchStoreContract(async () => ({ switches: createMemorySwitches(), close }));
