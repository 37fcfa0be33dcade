import type { Log } from '@juice/observability';
import { failedAgain, type HeldReplay, type ReplayTurns } from '@juice/persistence';
import { takeReplayTurn, type ReplayTurnDeps } from './replay-turn.ts';
import { pollMs, startTaker, type Taker } from './taker.ts';

export interface ReplayerDeps extends Omit<ReplayTurnDeps, 'replays'> {
  readonly replays: ReplayTurns;
  readonly newToken: () => string;
  readonly log: Log;
  /** A bug: the process must end. */
  readonly onBroken: (error: unknown) => void;
}

/** A turn is a few round trips. So long after its worker has died another goes on. */
const leaseMs = 10_000;
/**
 * Carries out the replays that are due: any worker any of them, a turn at a time, each under a lease. So a replay goes on where it
 * stood when its worker dies, as soon as that one's lease has ended, and none waits for another to come to its end.
 */
export function startReplayer(deps: ReplayerDeps): Taker {
  const { replays, now, log } = deps;
  let nextDueMs = Infinity;

  async function turn(held: HeldReplay): Promise<void> {
    const { replayId } = held;
    const { dueAtMs, armed, ended } = await takeReplayTurn(deps, held);
    if (armed > 0) log.info('replay.armed', { replayId, lanes: armed, selected: held.selected, by: held.by });
    if (dueAtMs !== null) nextDueMs = Math.min(nextDueMs, dueAtMs);
    if (ended === null) return;
    const { state, selected, replayed, delivered, skipped } = ended;
    log.info('replay.ended', { replayId, state, selected, replayed, delivered, skipped, failed: failedAgain(ended) });
  }

  return startTaker({
    async take() {
      if (nextDueMs <= now()) nextDueMs = Infinity;
      const held = await replays.takeReplay({ token: deps.newToken(), nowMs: now(), leaseMs });
      return held === null ? null : () => turn(held);
    },
    sleepMs: () => Math.min(pollMs, Math.max(shortestSleepMs, nextDueMs - now())),
    onBroken: deps.onBroken,
  });
}

const shortestSleepMs = 10;
