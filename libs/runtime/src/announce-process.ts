import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DependencyFailure, productVersion, type ServiceName, type ServiceProcess } from '@juice/contracts';
import { startNowAndThen, type NowAndThen } from './now-and-then.ts';

/** Where it is noted which processes run; `@juice/persistence` provides it. Both throw DependencyFailure. */
export interface ProcessNotes {
  noteProcess(process: ServiceProcess): Promise<void>;
  removeProcess(id: string): Promise<void>;
}

/** At most 45 seconds apart, by chance: two go by unseen before somebody who looks for 90 seconds misses it. */
const everyMs = 30_000;
/** Longer than one write takes, and nothing beside the grace of a stop: what is not removed then is forgotten by itself. */
const removedWithinMs = 1_000;

/**
 * Notes, at once and then now and then, that this service runs, for people who look at the system; on stopping takes that back.
 * Nothing depends on it: neither starting nor stopping waits for a database that is away, and nobody is told of that.
 */
export function announceProcess(
  deps: { service: ServiceName; host: string; notes: ProcessNotes; now?: () => number } & Partial<
    Pick<NowAndThen, 'wait' | 'random'>
  >,
): { stop(): Promise<void> } {
  const { service, host, notes, now = Date.now, wait = pause, random = Math.random } = deps;
  const since = new Date(now());
  const self = { id: randomUUID(), service, host, version: productVersion, node: process.version, since };
  const noting = startNowAndThen({ everyMs, act: () => notes.noteProcess(self), wait, random, isAtOnce: true });

  async function leave(): Promise<void> {
    // First what is under way: it would be noted again after it was removed.
    await noting.stop();
    try {
      await notes.removeProcess(self.id);
    } catch (error: unknown) {
      // Then it is forgotten a little later.
      if (!(error instanceof DependencyFailure)) throw error;
    }
  }

  return {
    async stop() {
      const over = new AbortController();
      await Promise.race([leave(), wait(removedWithinMs, over.signal)]);
      over.abort();
    },
  };
}

const pause: NowAndThen['wait'] = (ms, signal) => delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
