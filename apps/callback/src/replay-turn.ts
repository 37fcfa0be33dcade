import type { TaskId } from '@juice/contracts';
import type { DeadLetters, DeliveryStore, HeldReplay, Replay, ReplayTurns } from '@juice/persistence';

export interface ReplayTurnDeps {
  readonly replays: Omit<ReplayTurns, 'takeReplay'>;
  readonly deadLetters: Pick<DeadLetters, 'findDead'>;
  readonly lanes: Pick<DeliveryStore, 'rearm' | 'countReplayed'>;
  readonly now: () => number;
  /** So many lanes are due, and are to be looked for. */
  readonly onArmed: (lanes: number) => void;
  readonly onSuperseded: (states: number) => void;
}

export interface TurnTaken {
  /** When the next turn is due; null: never. */
  readonly dueAtMs: number | null;
  readonly armed: number;
  /** As it was concluded; null: it goes on. */
  readonly ended: Replay | null;
}

/** What a batch is worth: small enough that the pace is even, large enough that its round trips do not matter. */
const batchMs = 250;
/** A replay that was held up makes up for no more than this: its receivers were promised a pace. */
const mostCatchUpMs = 1_000;
/** How often one is looked at that arms nothing: its lanes are being delivered, or it is paused. */
const restMs = 2_000;

/**
 * One turn of a replay: what a turn before has noted and perhaps not armed, then the next batch, then what has come of those armed.
 *
 * A crash between any two lines leaves either no note, and nothing armed; or the note, and the next turn arms the same lanes
 * (of which those that are armed already bear the replay's mark) and counts them. Whoever has lost the lease writes nothing but
 * such marks, of lanes that are noted. Throws DependencyFailure; then the turn ends with its lease.
 */
export async function takeReplayTurn(
  deps: ReplayTurnDeps,
  taken: HeldReplay,
  { isCounted }: { readonly isCounted: boolean },
): Promise<TurnTaken> {
  const { replays, lanes, now } = deps;
  let held = taken;
  // Of a paused one it is left as it is noted.
  if (held.batch !== null && held.state !== 'paused') held = await armBatch(deps, held, held.batch);
  let batchSize = 0;
  if (held.state === 'running') {
    const { taskIds, after } = await nextBatch(deps, held);
    if (taskIds.length > 0 && (await replays.beginBatch(held, taskIds, after))) {
      batchSize = taskIds.length;
      held = await armBatch(deps, { ...held, after }, taskIds);
    } else if (taskIds.length === 0 && (await replays.endSelection(held))) {
      held = { ...held, state: 'delivering', skipped: Math.max(held.skipped, held.selected - held.replayed) };
    }
  }
  const armed = held.replayed - taken.replayed;
  const isEnding = held.state === 'delivering' || held.state === 'cancelled';
  const counted = isCounted && !isEnding ? held : await lanes.countReplayed(held.replayId);
  if (isEnding && counted.waiting === 0) {
    const { delivered } = counted;
    await replays.conclude(held, { state: held.state, delivered, nowMs: now() });
    const state = held.state === 'delivering' ? 'done' : held.state;
    return { dueAtMs: null, armed, ended: { ...held, state, waiting: 0, delivered, endedAtMs: now() } };
  }
  const dueAtMs =
    batchSize === 0
      ? now() + restMs
      : Math.max(held.dueAtMs, now() - mostCatchUpMs) + Math.ceil((batchSize * 1000) / held.ratePerSecond);
  await replays.giveBack(held, { waiting: counted.waiting, delivered: counted.delivered, dueAtMs });
  return { dueAtMs, armed, ended: null };
}

async function nextBatch(
  { deadLetters, now }: ReplayTurnDeps,
  { choice, after, ratePerSecond, replayId, dueAtMs }: HeldReplay,
): Promise<{ readonly taskIds: readonly TaskId[]; readonly after: string }> {
  // A turn that comes late makes up for it: where turns take long the pace holds all the same.
  const worthMs = Math.min(mostCatchUpMs, batchMs + Math.max(0, now() - dueAtMs));
  const size = Math.ceil((ratePerSecond * worthMs) / 1000);
  const { letters } = await deadLetters.findDead({ ...choice, unlessReplayedBy: replayId }, after, size);
  return { taskIds: letters.map(({ taskId }) => taskId), after: letters.at(-1)?.place ?? after ?? '' };
}

/** Arms what is noted, and counts it; of one that was cancelled since only what is armed already. The replay as it is then. */
async function armBatch(deps: ReplayTurnDeps, held: HeldReplay, batch: readonly TaskId[]): Promise<HeldReplay> {
  const { replayId, choice } = held;
  const diedByMs = held.state === 'cancelled' ? 0 : (choice.untilMs ?? held.createdAtMs + 1) - 1;
  const armed = await deps.lanes.rearm(batch, {
    replayId,
    tenantId: choice.tenantId,
    diedByMs,
    nowMs: deps.now(),
  });
  const counts = { replayed: armed.length, skipped: batch.length - armed.length };
  if (armed.length > 0) deps.onArmed(armed.length);
  const superseded = armed.reduce((sum, lane) => sum + lane.superseded.length, 0);
  if (superseded > 0) deps.onSuperseded(superseded);
  await deps.replays.endBatch(held, counts);
  return { ...held, replayed: held.replayed + counts.replayed, skipped: held.skipped + counts.skipped, batch: null };
}
