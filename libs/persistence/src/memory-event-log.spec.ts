import { createMemoryEventLog, eventLogContract, eventRetentionMs } from '../testing/index.ts';

// The fake that others test with keeps the same contract.
eventLogContract(async () => ({
  events: createMemoryEventLog(undefined, { retentionMs: eventRetentionMs }),
  close: () => Promise.resolve(),
}));
