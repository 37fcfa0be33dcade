import { expect, test } from '@jest/globals';
import { isEndState, TaskState, type TaskId } from '@juice/contracts';
import fc from 'fast-check';
import type { CallbackLane, ClaimedLane, DeliveryStore, Settled, TaskStore } from '../src/index.ts';
import { calledBack, finish, frame, idAt, launch, run, startMs, tenant, unreachable } from './sample-tasks.ts';

const leaseMs = 10_000;
const workers = 3;

/** What happens in a history. A worker that has no lane claims it; one that has settles. */
type Step =
  | { readonly kind: 'push' }
  | { readonly kind: 'end' }
  | { readonly kind: 'claim'; readonly worker: number; readonly evenAside: boolean }
  | { readonly kind: 'settle'; readonly worker: number; readonly how: How; readonly pushed: boolean }
  | { readonly kind: 'aside'; readonly state: 'held' | 'pending'; readonly isDue: boolean }
  | { readonly kind: 'rearm' }
  | { readonly kind: 'pass'; readonly ms: number };

type How = 'delivered' | 'failed' | 'dead' | 'aside' | 'release';

const worker = fc.nat({ max: workers - 1 });
const how = fc.constantFrom<How[]>('delivered', 'delivered', 'failed', 'dead', 'aside', 'release');
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'push' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'end' }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('claim' as const), worker, evenAside: fc.boolean() }) },
  // `pushed`: the scheduler adds a state while the worker settles.
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('settle' as const), worker, how, pushed: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('aside' as const),
      state: fc.constantFrom('held' as const, 'pending' as const),
      isDue: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'rearm' }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 3000, leaseMs, leaseMs) }),
  },
);

interface Stores {
  readonly tasks: TaskStore;
  readonly deliveries: DeliveryStore;
}

/**
 * Over any history of the scheduler's pushes and the workers' claims and settlings: states are delivered in the order of
 * seq, each once while its lease lasts; nothing that is pending is forgotten (it is due, or its lane stands among those that are aside);
 * nothing is lost but what was reported as superseded; and the end is delivered.
 */
export function laneHistoryProperty(stores: () => Stores): void {
  let place = 1000;
  test('over any history each lane is in order, and loses nothing but what a newer state overtook', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 30 }), async (steps) => {
        const history = await begin(stores(), idAt(place++));
        for (const step of steps) {
          await history.take(step);
          await history.check();
        }
        await history.conclude();
      }),
      { numRuns: 40 },
    );
  }, 60_000);
}

async function begin({ tasks, deliveries }: Stores, taskId: TaskId) {
  await tasks.insertTasks([calledBack(taskId)]);
  await tasks.applyTransitions(frame(1, `${taskId}-launch`), [launch(taskId, 0)]);
  const held: (ClaimedLane | null)[] = Array.from({ length: workers }, () => null);
  const pushed = new Map<number, boolean>();
  const delivered: number[] = [];
  const superseded: number[] = [];
  let nowMs = startMs + 2000;
  let tokens = 0;
  let seq = 1;
  let ended = false;
  /** The token that rightly holds the lane, as the model has it. */
  let holder: { readonly token: string; readonly untilMs: number } | null = null;

  const push = async (end: boolean) => {
    if (ended) return;
    ended = end;
    const write = { callback: true, atMs: nowMs };
    const transition = end ? finish(taskId, seq, write) : (seq % 2 === 1 ? run : unreachable)(taskId, seq, write);
    seq += 1;
    pushed.set(seq, end);
    expect(await tasks.applyTransitions(frame(1, `${taskId}-${seq}`), [transition])).toEqual({
      missed: [],
      refused: [],
      fenced: false,
    });
  };

  const dropped = (seqs: readonly number[]) => {
    for (const each of seqs) {
      expect(pushed.get(each)).toBe(false);
      expect(Math.max(...pushed.keys())).toBeGreaterThan(each);
      superseded.push(each);
    }
  };

  const claim = async (who: number, evenAside: boolean) => {
    const token = `token-${tokens++}`;
    const lane = await deliveries.claim(taskId, { nowMs, token, leaseMs, by: `worker-${who}`, evenAside });
    if (lane === null) return;
    expect(holder === null || holder.untilMs <= nowMs).toBe(true);
    expect(lane.abandoned !== null).toBe(holder !== null);
    dropped(lane.superseded);
    holder = { token, untilMs: nowMs + leaseMs };
    held[who] = lane;
  };

  const settle = async (who: number, way: How) => {
    const lane = held[who] ?? null;
    held[who] = null;
    if (lane === null) return;
    const rightful = holder?.token === lane.token;
    const settled = await settleAs(way, lane);
    expect(settled.applied).toBe(rightful);
    if (!settled.applied) return;
    dropped(settled.superseded);
    holder = null;
    if (way !== 'delivered') return;
    expect(lane.state.seq).toBeGreaterThan(delivered.at(-1) ?? 0);
    delivered.push(lane.state.seq);
    const { next } = settled;
    if (next === undefined || next === null) return;
    holder = { token: next.token, untilMs: next.leaseUntilMs };
    held[who] = next;
  };

  const settleAs = (way: How, lane: ClaimedLane): Promise<Settled & { readonly next?: ClaimedLane | null }> => {
    switch (way) {
      case 'delivered':
        return deliveries.settleDelivered(lane, { nowMs, leaseMs });
      case 'failed':
        return deliveries.settleFailed(lane, { retryAtMs: nowMs + 5000, reason: 'failed', triesLeft: 3 });
      case 'dead':
        return deliveries.settleDead(lane, { nowMs, reason: 'dead', isTried: true });
      case 'aside':
        return deliveries.setAside(lane, { state: 'held', reason: 'held', atMs: nowMs, dueAtMs: null });
      case 'release':
        return deliveries.release(lane, nowMs + 1);
    }
  };

  const putAside = async (state: 'held' | 'pending', dueAtMs: number | null) => {
    const lanes = await deliveries.dueLanes(nowMs, 10_000);
    const aside = { state, reason: 'aside', atMs: nowMs, dueAtMs };
    await deliveries.putAside(lanes.filter((lane) => lane.taskId === taskId).map((lane) => ({ lane, aside })));
  };

  const rearm = async () => {
    const rearming = { replayId: `replay-${tokens++}`, tenantId: tenant, diedByMs: nowMs, nowMs };
    for (const armed of await deliveries.rearm([taskId], rearming)) dropped(armed.superseded);
  };

  const take = async (step: Step): Promise<void> => {
    switch (step.kind) {
      case 'push':
        return push(false);
      case 'end':
        return push(true);
      case 'claim':
        return claim(step.worker, step.evenAside);
      case 'settle':
        await Promise.all([settle(step.worker, step.how), step.pushed ? push(false) : null]);
        return;
      case 'aside':
        return putAside(step.state, step.isDue ? nowMs + leaseMs : null);
      case 'rearm':
        return rearm();
      case 'pass':
        nowMs += step.ms;
    }
  };

  const read = async (): Promise<CallbackLane> => {
    const [task] = await tasks.findTasks(tenant, [taskId]);
    if (task?.callback === undefined) throw new Error('there is no lane');
    return task.callback;
  };

  const check = async () => {
    const lane = await read();
    const pending = lane.pending.map((state) => state.seq);
    expect(pending).toEqual(
      [...pushed.keys()].filter((each) => !delivered.includes(each) && !superseded.includes(each)),
    );
    expect(lane.superseded ?? 0).toBe(superseded.length);
    expect(lane.dueAt !== undefined || lane.aside !== undefined).toBe(pending.length > 0);
    expect(lane.aside === undefined).toBe(lane.asideAt === undefined);
    if (lane.state === 'leased' || lane.state === 'idle') expect(lane).not.toHaveProperty('aside');
    if (lane.state === 'held' || lane.state === 'dead') expect(lane).toHaveProperty('aside');
    // A state is given up only when no newer one can be tried instead.
    if (lane.state === 'dead' && lane.dueAt === undefined) expect(pending).toHaveLength(1);
    expect(lane.lease !== undefined).toBe(lane.state === 'leased');
    expect(lane.lease?.token).toBe(holder?.token);
  };

  /** The task ends, the receiver is well again, and a single worker does what the due times tell it. */
  const conclude = async () => {
    await push(true);
    nowMs += leaseMs;
    await rearm();
    for (let round = 0; (await read()).pending.length > 0; round++) {
      expect(round).toBeLessThan(200);
      nowMs = Math.max(nowMs, (await read()).dueAt?.getTime() ?? 0);
      await claim(0, true);
      await settle(0, 'delivered');
      await check();
    }
    expect((await read()).state).toBe('idle');
    const [task] = await tasks.findTasks(tenant, [taskId]);
    expect(isEndState(task?.status ?? TaskState.NOT_START)).toBe(true);
    expect(delivered.at(-1)).toBe(seq);
    expect(task?.purgeAt).toBeInstanceOf(Date);
  };

  return { take, check, conclude };
}
