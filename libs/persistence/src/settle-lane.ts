import { isEndState } from '@juice/contracts';
import { alike, dropping, lanesAtOnce, type Group } from './claim-lane.ts';
import { asClaimedLane, laneProjection, overtaken, type ClaimedLane } from './claimed-lane.ts';
import type { TaskCollection } from './collections.ts';
import { gather } from './gather.ts';
import { causeOf, deadKey, fingerprintOf, replayMark, type ReplayOutcome } from './lane-keys.ts';
import { attempt, evenIfUnanswered } from './mongo-failure.ts';
import { asideUpdate, type Aside } from './put-aside.ts';
import type { CallbackLane, TaskRecord } from './task-record.ts';

/** What became of a settling. */
export interface Settled {
  /** false: the lease was no longer the worker's, and nothing was written. */
  readonly applied: boolean;
  /** Seqs dropped because a newer state had overtaken them. */
  readonly superseded: readonly number[];
}

export interface Delivered extends Settled {
  /** The next state to send, under the same token; null when none is pending. */
  readonly next: ClaimedLane | null;
}

const stale: Settled = { applied: false, superseded: [] };

const withoutLease = { 'callback.lease': '', 'callback.notBefore': '' } as const;

/** How a worker ends its lease; see DeliveryStore. `reason`: a word of a small set, see `causeOf`. */
export interface Settling {
  /** The oldest state was taken with a 2xx. `next`: the following one, its lease renewed for leaseMs. */
  settleDelivered(lane: ClaimedLane, when: { readonly nowMs: number; readonly leaseMs: number }): Promise<Delivered>;
  /** The try failed and counts; the next is not before retryAtMs. Drops what was overtaken. */
  settleFailed(lane: ClaimedLane, failure: Failure): Promise<Settled>;
  /** Gives the oldest state up. When a newer one has overtaken it, it is dropped instead and the lane is due at once. */
  settleDead(lane: ClaimedLane, death: Death): Promise<Settled>;
  /** The endpoint cannot take it now: gives the lease back without a try. See `putAside`. */
  setAside(lane: ClaimedLane, aside: Aside): Promise<Settled>;
  /** Gives the lease back without a try (stopping, the endpoint is busy); the lane is due again at dueAtMs. */
  release(lane: ClaimedLane, dueAtMs: number): Promise<Settled>;
}

export interface Failure {
  readonly retryAtMs: number;
  readonly reason: string;
  /** How many tries the state has after this one: for people who ask. */
  readonly triesLeft: number;
}

export interface Death {
  readonly nowMs: number;
  readonly reason: string;
  /** Whether a try was made: it counts. */
  readonly isTried: boolean;
}

export function createSettling(tasks: TaskCollection, retentionMs: number): Settling {
  const settleLast = createSettlingLast(tasks, retentionMs);
  return {
    settleDelivered: (lane, when) =>
      attempt('settle delivered', async () => {
        const last = lane.pending.length === 1 && (await settleLast({ lane, nowMs: when.nowMs }));
        return last ? { applied: true, superseded: [], next: null } : goOn(tasks, lane, when);
      }),
    settleFailed: (lane, failure) => attempt('settle failed', () => settleFailed(tasks, lane, failure)),
    settleDead: (lane, death) => attempt('settle dead', () => settleDead(tasks, lane, death, retentionMs)),
    setAside: (lane, aside) =>
      attempt('set lane aside', () => {
        const { $set, $unset } = asideUpdate(lane, aside);
        return settle(tasks, lane, { $set, $unset: { ...$unset, ...withoutLease } });
      }),
    release: (lane, dueAtMs) =>
      attempt('release lane', () =>
        settle(tasks, lane, {
          $set: {
            'callback.state': 'pending',
            'callback.dueAt': new Date(dueAtMs),
            'callback.notBefore': new Date(dueAtMs),
          },
          $unset: { 'callback.lease': '' },
        }),
      ),
  };
}

interface LastDelivery {
  readonly lane: ClaimedLane;
  readonly nowMs: number;
}

/**
 * Settles deliveries that leave an idle lane, together, those that are alike by one update. The counts tell only whether all
 * applied; if not, the lanes are read back, and those whose last settling bears this lease's token have had it: now, or the first
 * time it was tried.
 */
function createSettlingLast(tasks: TaskCollection, retentionMs: number): (delivery: LastDelivery) => Promise<boolean> {
  return gather<LastDelivery, boolean>(lanesAtOnce, async (deliveries) => {
    const groups = alike(deliveries, wayOf);
    const operations = groups.map((group) => ({ updateMany: lastDeliveries(group, retentionMs) }));
    const { matchedCount } = await evenIfUnanswered(() => tasks.bulkWrite(operations, { ordered: false }));
    if (matchedCount === deliveries.length) return () => true;
    const found = await tasks
      .find<Pick<TaskRecord, '_id' | 'callback'>>(
        { _id: { $in: deliveries.map(({ lane }) => lane.taskId) } },
        { projection: { 'callback.settledBy': 1 } },
      )
      .toArray();
    const settledBy = new Map(found.map(({ _id, callback }) => [_id, callback?.settledBy]));
    return ({ lane }) => settledBy.get(lane.taskId) === lane.token;
  });
}

/** What a group's update says of each: lanes that were claimed at once have one token. */
function wayOf({ lane: { token, state, replay } }: LastDelivery): string {
  return `${token} ${state.seq} ${isEndState(state.status)} ${replay}`;
}

function lastDeliveries(group: Group<LastDelivery>, retentionMs: number) {
  const { token, state, replay } = group[0].lane;
  const nowMs = Math.max(...group.map((delivery) => delivery.nowMs));
  return {
    filter: {
      _id: { $in: group.map(({ lane }) => lane.taskId) },
      'callback.lease.token': token,
      // The size: a state that the scheduler appended meanwhile must not be left behind in an idle lane.
      'callback.pending': { $size: 1 },
      'callback.pending.0.seq': state.seq,
    },
    update: {
      $set: {
        'callback.pending': [],
        'callback.state': 'idle',
        'callback.attempt': 0,
        'callback.settledBy': token,
        callbackAt: new Date(nowMs),
        ...outcomeOfReplay(replay, 'delivered'),
        ...(isEndState(state.status) ? { purgeAt: new Date(nowMs + retentionMs) } : {}),
      },
      $unset: { ...withoutLease, 'callback.dueAt': '', 'callback.cause': '', 'callback.revivedAt': '' } as const,
    },
  };
}

/** Takes the delivered state out and keeps the lease for the one that follows. */
async function goOn(
  tasks: TaskCollection,
  lane: ClaimedLane,
  when: { readonly nowMs: number; readonly leaseMs: number },
): Promise<Delivered> {
  const until = new Date(when.nowMs + when.leaseMs);
  const left = await tasks.findOneAndUpdate(
    leasedTo(lane),
    {
      $pull: { 'callback.pending': { seq: lane.state.seq } },
      $set: {
        'callback.attempt': 0,
        'callback.lease.until': until,
        'callback.dueAt': until,
        callbackAt: new Date(when.nowMs),
      },
      $unset: { 'callback.cause': '' },
    },
    { projection: laneProjection, returnDocument: 'after' },
  );
  return left === null ? { ...stale, next: null } : { applied: true, superseded: [], next: asClaimedLane(left) };
}

async function settleFailed(tasks: TaskCollection, lane: ClaimedLane, failure: Failure): Promise<Settled> {
  const present = await readLeased(tasks, lane);
  if (present === null) return stale;
  const superseded = overtaken(present.pending);
  const retryAt = new Date(failure.retryAtMs);
  return settle(
    tasks,
    lane,
    {
      $set: {
        'callback.state': 'pending',
        // Tries are those of the oldest pending state; when that one goes, its successor has had none.
        'callback.attempt': superseded.includes(lane.state.seq) ? 0 : lane.tries + 1,
        'callback.cause': causeOf(lane.endpoint, failure.reason),
        'callback.triesLeft': failure.triesLeft,
        'callback.dueAt': retryAt,
        'callback.notBefore': retryAt,
      },
      $unset: { 'callback.lease': '' },
    },
    superseded,
  );
}

async function settleDead(
  tasks: TaskCollection,
  lane: ClaimedLane,
  death: Death,
  retentionMs: number,
): Promise<Settled> {
  // A miss of `die` means that the scheduler appended a state, which it does a bounded number of times in a task's life.
  for (;;) {
    const present = await readLeased(tasks, lane);
    if (present === null) return stale;
    const superseded = overtaken(present.pending);
    if (superseded.includes(lane.state.seq)) return passOver(tasks, lane, superseded, death.nowMs);
    if (await die(tasks, { lane, present, death, retentionMs })) return { applied: true, superseded: [] };
  }
}

/** The newer state has a budget of its own, and is due at once. */
function passOver(
  tasks: TaskCollection,
  lane: ClaimedLane,
  superseded: readonly number[],
  nowMs: number,
): Promise<Settled> {
  return settle(
    tasks,
    lane,
    {
      $set: { 'callback.state': 'pending', 'callback.attempt': 0, 'callback.dueAt': new Date(nowMs) },
      $unset: { ...withoutLease, 'callback.cause': '' },
    },
    superseded,
  );
}

async function die(
  tasks: TaskCollection,
  given: { lane: ClaimedLane; present: CallbackLane; death: Death; retentionMs: number },
): Promise<boolean> {
  const { lane, present, death, retentionMs } = given;
  const ended = present.pending.some(({ status }) => isEndState(status));
  const { matchedCount } = await tasks.updateOne(
    { ...leasedTo(lane), 'callback.pending': { $size: present.pending.length } },
    {
      $set: {
        'callback.state': 'dead',
        'callback.attempt': lane.tries + (death.isTried ? 1 : 0),
        'callback.cause': causeOf(lane.endpoint, death.reason),
        'callback.aside': deadKey(lane.endpoint, death.reason, lane.taskId),
        'callback.asideAt': new Date(death.nowMs),
        'callback.group': fingerprintOf(lane.endpoint, death.reason),
        ...outcomeOfReplay(lane.replay, 'dead'),
        ...(ended ? { purgeAt: new Date(death.nowMs + retentionMs) } : {}),
      },
      $unset: { ...withoutLease, 'callback.dueAt': '' },
    },
  );
  return matchedCount === 1;
}

function outcomeOfReplay(replay: string | null, outcome: ReplayOutcome) {
  return replay === null ? {} : { 'callback.replay': replayMark(replay, outcome) };
}

interface LaneUpdate {
  readonly $set: Record<string, unknown>;
  readonly $unset: Record<string, ''>;
}

async function settle(
  tasks: TaskCollection,
  lane: ClaimedLane,
  update: LaneUpdate,
  superseded: readonly number[] = [],
): Promise<Settled> {
  const { matchedCount } = await tasks.updateOne(leasedTo(lane), { ...update, ...dropping(superseded) });
  return matchedCount === 1 ? { applied: true, superseded } : stale;
}

async function readLeased(tasks: TaskCollection, lane: ClaimedLane): Promise<CallbackLane | null> {
  const found = await tasks.findOne<Pick<TaskRecord, 'callback'>>(leasedTo(lane), {
    projection: { 'callback.pending': 1 },
  });
  return found?.callback ?? null;
}

function leasedTo(lane: ClaimedLane) {
  return { _id: lane.taskId, 'callback.lease.token': lane.token };
}
