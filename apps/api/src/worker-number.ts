import { DependencyFailure, type EventName } from '@juice/contracts';
import { workerNumbers } from './task-ids.ts';

export interface Lease {
  readonly name: string;
  readonly holder: string | null;
  readonly epoch: number;
  readonly renewals: number;
}

/** The part of the lease store that worker numbers need; every method throws DependencyFailure. */
export interface WorkerLeases<L extends Lease = Lease> {
  read(name: string): Promise<L | null>;
  /** By compare-and-set on what was seen (null: nobody ever had it); null when somebody else was faster. */
  take(name: string, holder: string, url: string | null, seen: L | null): Promise<L | null>;
  renew(name: string, holder: string, epoch: number): Promise<boolean>;
  release(name: string, holder: string, epoch: number): Promise<void>;
}

export interface WorkerNumber {
  /** The number, while it is certainly ours; throws DependencyFailure (retryable) while it is not. */
  current(): number;
  isHeld(): boolean;
  /** Gives the number back. */
  stop(): Promise<void>;
}

/** A holder that was not heard of for this long is gone; three renewals may fail before that. */
export const workerLeaseMs = 30_000;
const renewEveryMs = 10_000;
const retryEveryMs = 1_000;

interface Held {
  readonly number: number;
  readonly epoch: number;
  /** By the monotonic clock, from before the last successful renewal was sent. */
  untilMs: number;
}

/**
 * Leases one of the 1,024 worker numbers that keep the ids of several processes apart, and renews it until stopped.
 * Resolves when it has one: the first number found free, in a random order; or, when none is free, one whose lease stood
 * still for its whole length. A number that is lost is replaced by another one. Throws DependencyFailure when the store
 * fails before there was a first number.
 */
export async function leaseWorkerNumber<L extends Lease>(deps: {
  leases: WorkerLeases<L>;
  /** Tells this process from every other. */
  holder: string;
  monotonicMs: () => number;
  random: () => number;
  /** Resolves after a time, or at once when the signal is aborted; never rejects. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  log: Record<'info' | 'warn', (event: EventName, fields: Readonly<Record<string, unknown>>) => void>;
}): Promise<WorkerNumber> {
  const { leases, holder, monotonicMs, wait, log } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  let held: Held | null = null;

  async function acquire(): Promise<Held | null> {
    const order = shuffle(deps.random);
    const seen = new Map<number, L>();
    for (const number of order) {
      const present = await leases.read(nameOf(number));
      if (present !== null && present.holder !== null) seen.set(number, present);
      else {
        const taken = await take(number, present);
        if (taken !== null) return taken;
      }
    }
    await wait(workerLeaseMs, signal);
    for (const [number, before] of seen) {
      if (signal.aborted) break;
      const present = await leases.read(nameOf(number));
      const stoodStill = present?.epoch === before.epoch && present.renewals === before.renewals;
      const taken = stoodStill ? await take(number, present) : null;
      if (taken !== null) return taken;
    }
    return null;
  }

  async function take(number: number, seen: L | null): Promise<Held | null> {
    const fromMs = monotonicMs();
    const lease = await leases.take(nameOf(number), holder, null, seen);
    if (lease === null) return null;
    log.info('worker.leased', { worker: number, epoch: lease.epoch });
    return { number, epoch: lease.epoch, untilMs: fromMs + workerLeaseMs };
  }

  async function renew(mine: Held): Promise<void> {
    const fromMs = monotonicMs();
    if (await leases.renew(nameOf(mine.number), holder, mine.epoch)) mine.untilMs = fromMs + workerLeaseMs;
    else {
      log.warn('worker.lost', { worker: mine.number, epoch: mine.epoch });
      held = null;
    }
  }

  async function release(mine: Held): Promise<void> {
    try {
      await leases.release(nameOf(mine.number), holder, mine.epoch);
    } catch (error: unknown) {
      // Nothing depends on it: a lease that is not given back runs out.
      if (!(error instanceof DependencyFailure)) throw error;
    }
  }

  async function keep(): Promise<void> {
    let pauseMs = renewEveryMs;
    while (!signal.aborted) {
      await wait(pauseMs, signal);
      if (signal.aborted) return;
      try {
        if (held === null) held = await acquire();
        else await renew(held);
        pauseMs = held === null ? retryEveryMs : renewEveryMs;
      } catch (error: unknown) {
        // The store is away: the number stays ours until its lease has run out, and is asked for again meanwhile.
        if (!(error instanceof DependencyFailure)) throw error;
        pauseMs = retryEveryMs;
      }
    }
  }

  while (held === null && !signal.aborted) held = await acquire();
  const keeping = keep();
  // A bug in the loop shows as an unhandled rejection, which ends the process; awaiting it in stop() must not hide it.
  const isHeld = (): boolean => held !== null && monotonicMs() < held.untilMs;
  return {
    isHeld,
    current() {
      if (held !== null && isHeld()) return held.number;
      throw new DependencyFailure({
        dependency: 'mongodb',
        operation: 'lease a worker number',
        retryable: true,
        detail: 'this process has no worker number at present',
      });
    },
    async stop() {
      stopping.abort();
      await keeping;
      if (held !== null) await release(held);
      held = null;
    },
  };
}

function nameOf(number: number): string {
  return `worker:${number}`;
}

/** All worker numbers in a random order, so that processes starting together do not race for the same one. */
function shuffle(random: () => number): readonly number[] {
  const numbers = Array.from({ length: workerNumbers }, (_, number) => number);
  for (let at = numbers.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    const swapped = numbers[at] as number;
    numbers[at] = numbers[other] as number;
    numbers[other] = swapped;
  }
  return numbers;
}
