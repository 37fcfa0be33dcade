import { setTimeout as waitMs } from 'node:timers/promises';

/** Resolves after `ms`, or as soon as `signal` aborts. */
export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>;

export const wait: Wait = async (ms, signal) => {
  await waitMs(ms, undefined, { signal }).catch((error: unknown) => {
    if (signal?.aborted !== true) throw error;
  });
};
