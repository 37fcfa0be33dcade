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
/**
 * A turn that comes late makes up for no more than this: receivers were promised a pace. With a batch beside it, in no second
 * more than one and a half times as many are armed as were asked for.
 */
const mostCatchUpMs = batchMs;
/** A count reads the mark of every lane of the replay. */
const countEveryMs = 1_000;
/**
 * How often one is looked at that arms nothing, since its lanes are being delivered or it is paused: for a sixtieth of its age it
 * rests, so that one that takes days is not counted a hundred thousand times, and its end is seen within a minute.
 */
const rest = { leastMs: 2_000, mostMs: 60_000, ofAge: 1 / 60 } as const;

/** The lease was lost: another turn does, and tells, the rest. */
const lost: TurnTaken = { dueAtMs: null, armed: 0, ended: null };

/**
 * One turn of a replay: what a turn before has noted and perhaps not armed, then the next batch, then what has come of those armed.
 *
 * A crash between any two lines leaves either no note, and nothing armed; or the note, and the next turn arms the same lanes
 * (of which those that are armed already bear the replay's mark) and counts them. Whoever has lost the lease writes nothing but
 * such marks, of lanes that are noted. Throws DependencyFailure; then the turn ends with its lease.
 */
export async function takeReplayTurn(deps: ReplayTurnDeps, taken: HeldReplay): Promise<TurnTaken> {
  const { replays, lanes, now } = deps;
  let held: HeldReplay | null = taken;
  // Of a paused one it is left as it is noted.
  if (taken.batch !== null && taken.state !== 'paused') held = await armBatch(deps, taken, taken.batch);
  if (held === null) return lost;
  let batchSize = 0;
  if (held.state === 'running') {
    const { taskIds, after } = await nextBatch(deps, held);
    if (taskIds.length === 0) held = (await replays.endSelection(held)) ?? held;
    else if (await replays.beginBatch(held, taskIds, after)) {
      batchSize = taskIds.length;
      held = await armBatch(deps, held, taskIds);
      if (held === null) return lost;
    }
  }
  const { state, replayId, countedAtMs } = held;
  const armed = held.replayed - taken.replayed;
  const isEnding = state === 'delivering' || state === 'cancelled';
  const isCounted = !isEnding && countedAtMs !== null && now() < countedAtMs + countEveryMs;
  const counted = isCounted ? null : { ...(await lanes.countReplayed(replayId)), atMs: now() };
  if (isEnding && counted?.waiting === 0) {
    const { delivered, atMs } = counted;
    if (!(await replays.conclude(held, { state, delivered, nowMs: atMs }))) return lost;
    const ended = { state: state === 'delivering' ? 'done' : state, waiting: 0, delivered, endedAtMs: atMs } as const;
    return { dueAtMs: null, armed, ended: { ...held, ...ended } };
  }
  const dueAtMs = batchSize === 0 ? now() + restMs(held, now()) : nextDueMs(held, { batchSize, nowMs: now() });
  await replays.giveBack(held, { counted, dueAtMs });
  return { dueAtMs, armed, ended: null };
}

function restMs({ createdAtMs }: Replay, nowMs: number): number {
  return Math.min(rest.mostMs, Math.max(rest.leastMs, (nowMs - createdAtMs) * rest.ofAge));
}

function nextDueMs(held: HeldReplay, { batchSize, nowMs }: { batchSize: number; nowMs: number }): number {
  return Math.max(held.dueAtMs, nowMs - mostCatchUpMs) + Math.ceil((batchSize * 1000) / held.ratePerSecond);
}

async function nextBatch(
  { deadLetters, now }: ReplayTurnDeps,
  { choice, after, ratePerSecond, replayId, dueAtMs }: HeldReplay,
): Promise<{ readonly taskIds: readonly TaskId[]; readonly after: string }> {
  // A turn that comes late makes up for it: where turns take long the pace holds all the same.
  const worthMs = batchMs + Math.min(mostCatchUpMs, Math.max(0, now() - dueAtMs));
  const size = Math.ceil((ratePerSecond * worthMs) / 1000);
  const { letters } = await deadLetters.findDead({ ...choice, unlessReplayedBy: replayId }, after, size);
  return { taskIds: letters.map(({ taskId }) => taskId), after: letters.at(-1)?.place ?? after ?? '' };
}

/**
 * Arms what is noted, and counts it; of one that was cancelled since only what is armed already. The replay as it is then; null: the
 * lease was lost.
 */
async function armBatch(deps: ReplayTurnDeps, held: HeldReplay, batch: readonly TaskId[]): Promise<HeldReplay | null> {
  const { replayId, choice } = held;
  const diedByMs = held.state === 'cancelled' ? 0 : (choice.untilMs ?? held.createdAtMs + 1) - 1;
  const armed = await deps.lanes.rearm(batch, {
    replayId,
    tenantId: choice.tenantId,
    diedByMs,
    nowMs: deps.now(),
  });
  if (armed.length > 0) deps.onArmed(armed.length);
  const superseded = armed.reduce((sum, lane) => sum + lane.superseded.length, 0);
  if (superseded > 0) deps.onSuperseded(superseded);
  return deps.replays.endBatch(held, { replayed: armed.length, skipped: batch.length - armed.length });
}
