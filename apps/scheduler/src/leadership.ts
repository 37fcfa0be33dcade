import { DependencyFailure } from '@juice/contracts';
import type { Log } from '@juice/observability';
import type { Wait } from './wait.ts';

export interface LeaseView {
  readonly name: string;
  readonly holder: string | null;
  readonly epoch: number;
  readonly renewals: number;
  readonly url: string | null;
}

export interface LeadershipStore {
  read(name: string): Promise<LeaseView | null>;
  take(name: string, holder: string, url: string | null, seen: LeaseView | null): Promise<LeaseView | null>;
  renew(name: string, holder: string, epoch: number): Promise<boolean>;
  release(name: string, holder: string, epoch: number): Promise<void>;
}

export interface Leadership {
  readonly epoch: number;
  /** Throws LeaseLost when the lease may have ended by now: asked before every write. */
  assertLeading(): void;
  /** Resolves with the reason when the lease is lost; never after a release. */
  readonly lost: Promise<Error>;
  /** Gives the lease back, so that a standby takes over at once. */
  release(): Promise<void>;
}

export class LeaseLost extends Error {
  readonly code = 'LEASE_LOST';
}

const leaseName = 'scheduler';

/**
 * Waits until this process leads. A lease that nobody holds is taken at once; one that is held is taken when its holder
 * has not renewed it for `leaseMs` by *our* monotonic clock: no two clocks are ever compared. One that is drained waits on.
 */
export async function lead(deps: {
  leases: LeadershipStore;
  holder: string;
  /** Where the leader is reached from inside; kept in the lease for the api. */
  url: string | null;
  leaseMs: number;
  /** Whether an operator wants others to lead: asked before the lease is taken. */
  isDrained: () => Promise<boolean>;
  signal: AbortSignal;
  log: Log;
  /** Monotonic milliseconds. */
  elapsedMs: () => number;
  /** Of the same clock. */
  wait: Wait;
}): Promise<Leadership> {
  const { leases, holder, url, leaseMs, signal, log, elapsedMs, wait } = deps;
  let watched: { epoch: number; renewals: number; sinceMs: number } | null = null;
  for (;;) {
    signal.throwIfAborted();
    try {
      const askedMs = elapsedMs();
      const seen = await leases.read(leaseName);
      if (watched === null || seen?.epoch !== watched.epoch || seen.renewals !== watched.renewals) {
        watched = { epoch: seen?.epoch ?? 0, renewals: seen?.renewals ?? 0, sinceMs: elapsedMs() };
      }
      const free = seen === null || seen.holder === null || askedMs - watched.sinceMs >= leaseMs;
      const mayTake = free && !(await deps.isDrained());
      const takenMs = elapsedMs();
      const taken = mayTake ? await leases.take(leaseName, holder, url, seen) : null;
      if (taken !== null) {
        log.info('leader.elected', { epoch: taken.epoch, holder });
        return keepLease({ ...deps, epoch: taken.epoch, takenMs });
      }
    } catch (error: unknown) {
      if (!(error instanceof DependencyFailure)) throw error;
      log.warn('dependency.unreachable', { dependency: error.dependency, operation: error.operation, error });
    }
    await wait(leaseMs / 6, signal);
  }
}

function keepLease(deps: {
  leases: LeadershipStore;
  holder: string;
  leaseMs: number;
  epoch: number;
  takenMs: number;
  log: Log;
  elapsedMs: () => number;
  wait: Wait;
}): Leadership {
  const { leases, holder, leaseMs, epoch, log, elapsedMs, wait } = deps;
  // Counted from before the request was sent, so that ours always ends before an observer's count does.
  let renewedMs = deps.takenMs;
  const over = new AbortController();
  let settleLost: (reason: Error) => void;
  const lost = new Promise<Error>((resolve) => (settleLost = resolve));

  function lose(detail: string): void {
    if (over.signal.aborted) return;
    over.abort();
    log.error('leader.lost', { epoch, detail });
    settleLost(new LeaseLost(detail));
  }

  async function renewForever(): Promise<void> {
    for (;;) {
      await wait(leaseMs / 3, over.signal);
      if (over.signal.aborted) return;
      const askedMs = elapsedMs();
      try {
        if (await leases.renew(leaseName, holder, epoch)) renewedMs = askedMs;
        else lose('another scheduler has taken the lease');
      } catch (error: unknown) {
        if (!(error instanceof DependencyFailure)) throw error;
        log.warn('dependency.unreachable', { dependency: error.dependency, operation: error.operation, error });
      }
    }
  }
  /** By the clock alone: a renewal that hangs must not keep the loss from being known. */
  async function watchForever(): Promise<void> {
    while (!over.signal.aborted) {
      await wait(leaseMs / 6, over.signal);
      if (elapsedMs() - renewedMs >= leaseMs) lose(`the lease could not be renewed for ${leaseMs} ms`);
    }
  }
  void watchForever();
  renewForever().catch((error: unknown) => {
    if (!over.signal.aborted) lose(`renewing failed: ${String(error)}`);
  });

  return {
    epoch,
    lost,
    assertLeading() {
      if (elapsedMs() - renewedMs < leaseMs && !over.signal.aborted) return;
      lose(`the lease of ${leaseMs} ms may have ended`);
      throw new LeaseLost('the lease may have ended');
    },
    async release() {
      over.abort();
      await leases.release(leaseName, holder, epoch);
    },
  };
}
