import { DependencyFailure } from '@juice/contracts';
import type { Log } from '@juice/observability';
import { failedAgain, type HeldReplay, type ReplayTurns } from '@juice/persistence';
import { createAlarm } from './alarm.ts';
import { takeReplayTurn, type ReplayTurnDeps } from './replay-turn.ts';

/**
 * Carries out the replays that are due: any worker any of them, a turn at a time, each under a lease. So a replay goes on where it
 * stood when its worker dies, as soon as that one's lease has ended, and none waits for another to come to its end.
 */
export interface Replayer {
  /** Takes no further turn; resolves when those under way have ended. */
  close(): Promise<void>;
}

export interface ReplayerDeps extends Omit<ReplayTurnDeps, 'replays'> {
  readonly replays: ReplayTurns;
  readonly newToken: () => string;
  readonly log: Log;
  /** A bug: the process must end. */
  readonly onBroken: (error: unknown) => void;
}

/** A turn is a few round trips. So long after its worker has died another goes on. */
const leaseMs = 10_000;
/** How late a new replay begins, at most, and one whose worker has died goes on. */
const pollMs = 500;
/** After a failure of MongoDB. */
const failedPollMs = 2_000;
/** Turns at a time: they wait for MongoDB, not for each other. */
const mostTurns = 8;

export function startReplayer(deps: ReplayerDeps): Replayer {
  const { replays, now, log } = deps;
  const alarm = createAlarm();
  const turns = new Set<Promise<void>>();
  /** When each replay was last counted by this process: a count reads every lane of it. */
  const countedAtMs = new Map<string, number>();
  let nextDueMs = Infinity;
  let isClosed = false;

  async function turn(held: HeldReplay): Promise<void> {
    const { replayId } = held;
    const isCounted = (countedAtMs.get(replayId) ?? -Infinity) > now() - countEveryMs;
    if (!isCounted) countedAtMs.set(replayId, now());
    const { dueAtMs, armed, ended } = await takeReplayTurn(deps, held, { isCounted });
    if (armed > 0) log.info('replay.armed', { replayId, lanes: armed, selected: held.selected, by: held.by });
    if (dueAtMs !== null) nextDueMs = Math.min(nextDueMs, dueAtMs);
    if (ended === null) return;
    countedAtMs.delete(replayId);
    const { state, selected, replayed, delivered, skipped } = ended;
    log.info('replay.ended', { replayId, state, selected, replayed, delivered, skipped, failed: failedAgain(ended) });
  }

  /** Whether there was one. */
  async function takeOne(): Promise<boolean> {
    const held = await replays.takeReplay({ token: deps.newToken(), nowMs: now(), leaseMs });
    if (held === null) return false;
    const taken = turn(held).catch((error: unknown) => {
      // Its lease ends, and somebody goes on from what is stored.
      if (!(error instanceof DependencyFailure)) deps.onBroken(error);
    });
    turns.add(taken);
    void taken.finally(() => {
      turns.delete(taken);
      alarm.ring();
    });
    return true;
  }

  async function takeTurns(): Promise<void> {
    while (!isClosed) {
      let sleepMs = pollMs;
      try {
        if (nextDueMs <= now()) nextDueMs = Infinity;
        while (!isClosed && turns.size < mostTurns && (await takeOne()));
        sleepMs = Math.min(pollMs, Math.max(shortestSleepMs, nextDueMs - now()));
      } catch (error: unknown) {
        if (!(error instanceof DependencyFailure)) deps.onBroken(error);
        sleepMs = failedPollMs;
      }
      if (!isClosed) await alarm.sleep(sleepMs);
    }
  }

  const taking = takeTurns();
  return {
    async close() {
      isClosed = true;
      alarm.ring();
      await taking;
      await Promise.all(turns);
    },
  };
}

const countEveryMs = 1_000;
const shortestSleepMs = 10;
