import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState } from '@juice/contracts';
import type { ClaimedLane, DeliveryStore, TaskStore } from '../src/index.ts';
import { laneHistoryProperty } from './lane-history.ts';
import { calledBack, finish, frame, idAt, launch, run, startMs, tenant, unreachable } from './sample-tasks.ts';

export interface MadeDeliveryStore {
  readonly tasks: TaskStore;
  readonly deliveries: DeliveryStore;
  close(): Promise<void>;
}

const leaseMs = 60_000;
const by = 'worker-1';
const id = idAt(1);
/** The instant of the first state to be called back. */
const t0 = startMs + 1000;

/** What a delivery store must do, beside a task store on the same database. `make` gives empty ones. */
export function deliveryStoreContract(make: () => Promise<MadeDeliveryStore>): void {
  describe('a delivery store', () => {
    let made: MadeDeliveryStore;
    let tasks: TaskStore;
    let deliveries: DeliveryStore;
    beforeEach(async () => {
      made = await make();
      ({ tasks, deliveries } = made);
      await tasks.insertTasks([calledBack(id)]);
      await tasks.applyTransitions(frame(1, 'launch'), [launch(id, 0)]);
    });
    afterEach(() => made.close());

    const callback = { callback: true };
    const push = {
      running: (seq = 1) => tasks.applyTransitions(frame(1, `run-${seq}`), [run(id, seq, callback)]),
      unreachable: (seq: number) => tasks.applyTransitions(frame(1, `lost-${seq}`), [unreachable(id, seq, callback)]),
      finished: (seq: number) => tasks.applyTransitions(frame(1, `end-${seq}`), [finish(id, seq, callback)]),
    };
    const tryClaim = (nowMs: number, token: string) => deliveries.claim(id, { nowMs, token, leaseMs, by });
    const claim = async (nowMs: number, token: string): Promise<ClaimedLane> => {
      const lane = await tryClaim(nowMs, token);
      if (lane === null) throw new Error('the lane could not be claimed');
      return lane;
    };
    const stored = async () => {
      const [task] = await tasks.findTasks(tenant, [id]);
      if (task?.callback === undefined) throw new Error('there is no lane');
      return { ...task, lane: task.callback };
    };
    const due = async (nowMs: number, limit = 10) =>
      (await deliveries.dueLanes(nowMs, limit)).map(({ taskId }) => taskId);
    const seqs = (lane: ClaimedLane | null) => lane?.pending.map(({ seq }) => seq);

    describe('claiming', () => {
      test('an idle lane is not due', async () => {
        expect(await due(t0 + leaseMs)).toEqual([]);
        expect(await deliveries.nextDueAt()).toBeNull();
        expect(await tryClaim(t0, 'a')).toBeNull();
        expect(await deliveries.claim(idAt(2), { nowMs: t0, token: 'a', leaseMs, by })).toBeNull();
      });

      test('a state makes it due, and a claim has all it takes to send it', async () => {
        await push.running();
        expect(await due(t0 - 1)).toEqual([]);
        expect(await due(t0)).toEqual([id]);
        expect(await deliveries.nextDueAt()).toBe(t0);
        expect(await tryClaim(t0 - 1, 'a')).toBeNull();
        const state = {
          seq: 2,
          status: TaskState.RUNNING,
          attempt: 1,
          message: 'task is running',
          reason: null,
          atMs: t0,
          exitCode: null,
        };
        expect(await tryClaim(t0, 'a')).toEqual({
          taskId: id,
          tenantId: tenant,
          taskName: 'render-frame',
          traceparent: null,
          submittedAtMs: startMs,
          url: 'http://127.0.0.1/done',
          endpoint: 'acme http://127.0.0.1',
          events: 'all',
          token: 'a',
          leaseUntilMs: t0 + leaseMs,
          state,
          sinceMs: t0,
          tries: 0,
          replay: null,
          pending: [state],
          run: {
            mesosTaskId: `render_frame-${id}-1`,
            frameworkId: 'framework-1',
            agentId: 'agent-1',
            agentHost: 'host-1',
            agentPort: 5051,
            launchedAtMs: t0,
          },
          superseded: [],
          abandoned: null,
        });
        const lease = { token: 'a', until: new Date(t0 + leaseMs), since: new Date(t0), by };
        expect((await stored()).lane).toMatchObject({ state: 'leased', lease });
      });

      test('the task that ended without an attempt has no run', async () => {
        await tasks.insertTasks([calledBack(idAt(2))]);
        await tasks.requestKill(tenant, idAt(2), t0);
        const lane = await deliveries.claim(idAt(2), { nowMs: t0, token: 'a', leaseMs, by });
        expect(lane).toMatchObject({ state: { status: TaskState.KILLED, attempt: 0 }, run: null });
      });

      test('of many claims at once one succeeds', async () => {
        await push.running();
        const claims = await Promise.all(Array.from({ length: 12 }, (_, n) => tryClaim(t0, `worker-${n}`)));
        expect(claims.filter((lane) => lane !== null)).toHaveLength(1);
      });

      test('a lease keeps others out until it ends; then it is due again', async () => {
        await push.running();
        await claim(t0, 'a');
        expect(await due(t0 + leaseMs - 1)).toEqual([]);
        expect(await tryClaim(t0 + leaseMs - 1, 'b')).toBeNull();
        expect(await deliveries.nextDueAt()).toBe(t0 + leaseMs);
        expect(await due(t0 + leaseMs)).toEqual([id]);
        const abandoned = { by, sinceMs: t0 };
        expect(await tryClaim(t0 + leaseMs, 'b')).toMatchObject({ token: 'b', tries: 0, abandoned, superseded: [] });
      });

      test('the longest due come first', async () => {
        await tasks.insertTasks([calledBack(idAt(2)), calledBack(idAt(3))]);
        await tasks.requestKill(tenant, idAt(3), t0 - 20);
        await tasks.requestKill(tenant, idAt(2), t0 - 10);
        await push.running();
        expect(await due(t0)).toEqual([idAt(3), idAt(2), id]);
        expect(await due(t0, 2)).toEqual([idAt(3), idAt(2)]);
      });

      test('a state that arrives under a lease lists the lane too early: a claim in vain corrects that', async () => {
        await push.running();
        await claim(t0, 'a');
        await push.finished(2);
        expect(await deliveries.dueLanes(t0 + 1, 10)).toMatchObject([{ taskId: id, freeAtMs: t0 + leaseMs }]);
        expect(await tryClaim(t0 + 1, 'b')).toBeNull();
        expect(await deliveries.nextDueAt()).toBe(t0 + leaseMs);
        expect(await tryClaim(t0 + 1, 'b')).toBeNull();
        expect(await deliveries.nextDueAt()).toBe(t0 + leaseMs);
      });

      test('what is listed of a lane is what must be known to decide about it', async () => {
        await push.running();
        await push.unreachable(2);
        const listed = {
          taskId: id,
          tenantId: tenant,
          endpoint: 'acme http://127.0.0.1',
          state: 'idle',
          freeAtMs: 0,
          sinceMs: t0,
        };
        expect(await deliveries.dueLanes(t0, 10)).toEqual([listed]);
        await tasks.insertTasks([calledBack(idAt(2))]);
        expect(await deliveries.lookUpLanes([id, idAt(2), idAt(3)])).toEqual([listed]);
      });
    });

    describe('delivered', () => {
      test('the last state leaves an idle lane', async () => {
        await push.running();
        const settled = await deliveries.settleDelivered(await claim(t0, 'a'), { nowMs: t0 + 5, leaseMs });
        expect(settled).toEqual({ applied: true, superseded: [], next: null });
        const task = await stored();
        expect(task.callbackAt).toEqual(new Date(t0 + 5));
        expect(task).not.toHaveProperty('purgeAt');
        const idle = { url: task.lane.url, events: 'all', state: 'idle', pending: [], attempt: 0 };
        expect(task.lane).toEqual({ ...idle, settledBy: 'a' });
        expect(await deliveries.nextDueAt()).toBeNull();
      });

      test('settled again, after an answer that was lost, it is recognised', async () => {
        await push.running();
        const lane = await claim(t0, 'a');
        const when = { nowMs: t0 + 5, leaseMs };
        const settled = await deliveries.settleDelivered(lane, when);
        expect(await deliveries.settleDelivered(lane, when)).toEqual(settled);
      });

      test('many at once: each is told its own outcome', async () => {
        const lanes = Array.from({ length: 30 }, (_, n) => idAt(100 + n));
        await tasks.insertTasks(lanes.map((lane) => calledBack(lane)));
        await Promise.all(lanes.map((lane) => tasks.requestKill(tenant, lane, t0)));
        const claimed = await Promise.all(
          [...lanes, ...lanes].map((lane, n) =>
            deliveries.claim(lane, { nowMs: t0, token: `worker-${n}`, leaseMs, by }),
          ),
        );
        const held = claimed.filter((lane) => lane !== null);
        expect(new Set(held.map(({ taskId }) => taskId))).toEqual(new Set(lanes));
        expect(held).toHaveLength(lanes.length);
        const stale = held.slice(0, 10);
        const later = { nowMs: t0 + leaseMs, leaseMs };
        const again = await Promise.all(
          stale.map(({ taskId }) => deliveries.claim(taskId, { ...later, token: `again-${taskId}`, by })),
        );
        expect(again.filter((lane) => lane !== null)).toHaveLength(stale.length);
        const settled = await Promise.all(held.map((lane) => deliveries.settleDelivered(lane, later)));
        expect(settled.map(({ applied }) => applied)).toEqual(held.map((lane) => !stale.includes(lane)));
      });

      test('the document of an ended task may go from then on', async () => {
        await push.finished(1);
        expect(await stored()).not.toHaveProperty('purgeAt');
        await deliveries.settleDelivered(await claim(t0, 'a'), { nowMs: t0 + 5, leaseMs });
        expect((await stored()).purgeAt?.getTime()).toBeGreaterThan(t0 + 5);
      });

      test('the next state follows at once under the same lease, one that arrived meanwhile too', async () => {
        await push.running();
        await push.unreachable(2);
        const first = await claim(t0, 'a');
        expect(seqs(first)).toEqual([2, 3]);
        const { next: second } = await deliveries.settleDelivered(first, { nowMs: t0 + 10, leaseMs });
        expect(second).toMatchObject({ token: 'a', state: { seq: 3 }, tries: 0, leaseUntilMs: t0 + 10 + leaseMs });
        await push.finished(3);
        if (second === null) throw new Error('nothing follows');
        const { next: third } = await deliveries.settleDelivered(second, { nowMs: t0 + 20, leaseMs });
        expect(third).toMatchObject({ token: 'a', state: { seq: 4, status: TaskState.FINISHED, exitCode: 0 } });
        expect(await deliveries.nextDueAt()).toBe(t0 + 20 + leaseMs);
        if (third === null) throw new Error('nothing follows');
        expect(await deliveries.settleDelivered(third, { nowMs: t0 + 30, leaseMs })).toMatchObject({ next: null });
        expect((await stored()).lane.state).toBe('idle');
      });
    });

    describe('failed', () => {
      const failure = { retryAtMs: t0 + 5000, reason: 'timeout', triesLeft: 3 };

      test('the state waits for its next try', async () => {
        await push.running();
        expect(await deliveries.settleFailed(await claim(t0, 'a'), failure)).toEqual({ applied: true, superseded: [] });
        expect((await stored()).lane).toMatchObject({
          state: 'pending',
          attempt: 1,
          cause: 'timeout http://127.0.0.1',
          triesLeft: 3,
        });
        expect(await tryClaim(t0 + 4999, 'b')).toBeNull();
        expect(await deliveries.nextDueAt()).toBe(t0 + 5000);
        const again = await claim(t0 + 5000, 'b');
        expect(again).toMatchObject({ state: { seq: 2 }, tries: 1 });
        await deliveries.settleDelivered(again, { nowMs: t0 + 5001, leaseMs });
        expect((await stored()).lane).not.toHaveProperty('cause');
      });

      test('states that newer ones overtook are dropped and counted, the newest starts with no tries', async () => {
        await push.running();
        const lane = await claim(t0, 'a');
        await push.unreachable(2);
        await push.running(3);
        expect(await deliveries.settleFailed(lane, failure)).toEqual({ applied: true, superseded: [2, 3] });
        expect((await stored()).lane).toMatchObject({ superseded: 2, supersededSeqs: [2, 3], attempt: 0 });
        expect(seqs(await claim(t0 + 5000, 'b'))).toEqual([4]);
      });

      test('before a failure nothing is dropped', async () => {
        await push.running();
        await push.finished(2);
        expect(seqs(await claim(t0, 'a'))).toEqual([2, 3]);
      });

      test('a new state does not cut the backoff short: the lane is due when it ends', async () => {
        await push.running();
        await deliveries.settleFailed(await claim(t0, 'a'), failure);
        await push.finished(2);
        expect(await due(t0 + 1)).toEqual([id]);
        expect(await tryClaim(t0 + 1, 'b')).toBeNull();
        expect(await deliveries.nextDueAt()).toBe(t0 + 5000);
        const later = await claim(t0 + 5000, 'b');
        expect(seqs(later)).toEqual([2, 3]);
        expect(await deliveries.settleFailed(later, failure)).toEqual({ applied: true, superseded: [2] });
      });
    });

    describe('given up, held, given back', () => {
      const death = { nowMs: t0 + 1, reason: 'status-404', isTried: true };

      test('a dead end state stays, visible and not due, until it is armed again', async () => {
        await push.finished(1);
        expect(await deliveries.settleDead(await claim(t0, 'a'), death)).toEqual({ applied: true, superseded: [] });
        const dead = await stored();
        const cause = 'status-404 http://127.0.0.1';
        expect(dead.lane).toMatchObject({ state: 'dead', cause, attempt: 1, pending: [{ seq: 2 }] });
        expect(dead.lane).toMatchObject({
          aside: `dead acme http://127.0.0.1 status-404 ${id}`,
          asideAt: new Date(t0 + 1),
        });
        expect(dead.purgeAt?.getTime()).toBeGreaterThan(t0);
        expect(await deliveries.nextDueAt()).toBeNull();
        const rearm = (replayId: string, nowMs: number) =>
          deliveries.rearm([id, idAt(9)], { replayId, tenantId: tenant, diedByMs: nowMs, nowMs });
        expect(await rearm('r1', t0 + 100)).toEqual([{ taskId: id, superseded: [] }]);
        const revived = await stored();
        expect(revived).not.toHaveProperty('purgeAt');
        expect(revived.lane).not.toHaveProperty('aside');
        const lane = await claim(t0 + 100, 'b');
        expect(lane).toMatchObject({ state: { seq: 2 }, tries: 0, superseded: [], sinceMs: t0 + 100 });
        await deliveries.settleDelivered(lane, { nowMs: t0 + 101, leaseMs });
        const delivered = (await stored()).lane;
        expect(delivered.state).toBe('idle');
        expect(delivered).not.toHaveProperty('revivedAt');
        expect(await rearm('r2', t0 + 200)).toEqual([]);
      });

      test('a state that a newer one overtook does not kill the lane', async () => {
        await push.running();
        const lane = await claim(t0, 'a');
        await push.finished(2);
        expect(await deliveries.settleDead(lane, death)).toEqual({ applied: true, superseded: [2] });
        expect(await tryClaim(t0 + 1, 'b')).toMatchObject({ state: { seq: 3 }, tries: 0 });
      });

      test('a new state wakes a dead lane, and overtakes the dead one', async () => {
        await push.running();
        await deliveries.settleDead(await claim(t0, 'a'), death);
        await push.finished(2);
        expect(await due(t0)).toEqual([id]);
        const lane = await claim(t0, 'b');
        expect(lane).toMatchObject({ superseded: [2], tries: 0 });
        expect(seqs(lane)).toEqual([3]);
        expect((await stored()).lane).toMatchObject({ state: 'leased', superseded: 1 });
      });

      test('one that died without a try of its own has had none', async () => {
        await push.finished(1);
        await deliveries.settleDead(await claim(t0, 'a'), { ...death, isTried: false });
        expect((await stored()).lane).toMatchObject({ state: 'dead', attempt: 0 });
      });

      test('a lane given back is due when asked, with no try counted', async () => {
        await push.running();
        const lane = await claim(t0, 'a');
        expect(await deliveries.release(lane, t0 + 50)).toEqual({ applied: true, superseded: [] });
        expect(await tryClaim(t0 + 49, 'b')).toBeNull();
        expect(await tryClaim(t0 + 50, 'b')).toMatchObject({ tries: 0 });
      });
    });

    test('a worker whose lease was taken over writes nothing', async () => {
      await push.running();
      const lane = await claim(t0, 'a');
      await claim(t0 + leaseMs, 'b');
      const before = await stored();
      const later = { nowMs: t0 + leaseMs + 1, leaseMs };
      expect(await deliveries.settleDelivered(lane, later)).toEqual({ applied: false, superseded: [], next: null });
      const stale = { applied: false, superseded: [] };
      expect(await deliveries.settleFailed(lane, { retryAtMs: t0, reason: 'timeout', triesLeft: 3 })).toEqual(stale);
      expect(await deliveries.settleDead(lane, { nowMs: t0, reason: 'gone', isTried: true })).toEqual(stale);
      expect(await deliveries.setAside(lane, { state: 'held', reason: 'gone', atMs: t0, dueAtMs: null })).toEqual(
        stale,
      );
      expect(await deliveries.release(lane, t0)).toEqual(stale);
      expect(await stored()).toEqual(before);
    });

    // Settling reads, then writes under the token: the scheduler, which needs none, may write in between.
    test.each(['settleDelivered', 'settleFailed', 'settleDead', 'setAside'] as const)(
      'a state that arrives during %s is neither lost nor given up with the older',
      async (settling) => {
        const lanes = Array.from({ length: 40 }, (_, n) => idAt(100 + n));
        await tasks.insertTasks(lanes.map((lane) => calledBack(lane)));
        await tasks.applyTransitions(
          frame(),
          lanes.flatMap((lane) => [launch(lane, 0), run(lane, 1, callback)]),
        );
        const when = { nowMs: t0, leaseMs, retryAtMs: t0 + 1, triesLeft: 3, reason: 'gone', isTried: true };
        const aside = { state: 'held', reason: 'gone', atMs: t0, dueAtMs: null } as const;
        await Promise.all(
          lanes.map(async (taskId) => {
            const lane = await deliveries.claim(taskId, { nowMs: t0, token: `${taskId}`, leaseMs, by });
            if (lane === null) throw new Error('the lane could not be claimed');
            const settle = () =>
              settling === 'setAside' ? deliveries.setAside(lane, aside) : deliveries[settling](lane, when);
            await Promise.all([settle(), tasks.applyTransitions(frame(1, `${taskId}`), [finish(taskId, 2, callback)])]);
          }),
        );
        for (const task of await tasks.findTasks(tenant, lanes)) {
          const { pending = [], state, dueAt } = task.callback ?? {};
          expect(pending.at(-1)).toMatchObject({ seq: 3, status: TaskState.FINISHED });
          expect(dueAt !== undefined || state === 'held').toBe(true);
        }
      },
    );

    test('tries are listed, the newest first, page by page; one that is logged twice is one', async () => {
      const attempt = {
        taskId: id,
        tenantId: tenant,
        seq: 2,
        try: 1,
        status: TaskState.RUNNING,
        url: 'http://127.0.0.1/done',
        startedAtMs: t0,
        durationMs: 12,
        outcome: 'failed',
        httpStatus: 503,
        cause: 'status-503',
        detail: 'busy',
        phases: { connect: 2 },
      } as const;
      const second = { ...attempt, try: 2, startedAtMs: t0 + 5 };
      const sameTime = { ...attempt, seq: 3, startedAtMs: t0 + 5 };
      // Of a lane that was dead and is armed again: its tries are counted anew.
      const afresh = { ...attempt, startedAtMs: t0 + 7 };
      const latest = { ...attempt, seq: 3, try: 2, startedAtMs: t0 + 9 };
      const all = [latest, afresh, sameTime, second, attempt];
      await deliveries.logAttempt({ ...attempt, durationMs: attempt.durationMs + 1 });
      await Promise.all([latest, attempt, second, afresh, sameTime].map((each) => deliveries.logAttempt(each)));
      await deliveries.logAttempt({ ...attempt, taskId: idAt(99) });
      const list = (before: typeof attempt | null, limit = 10) => tasks.callbackAttempts(tenant, id, { before, limit });
      expect(await list(null)).toEqual(all);
      expect(await list(null, 2)).toEqual(all.slice(0, 2));
      for (const [at, each] of all.entries()) expect(await list(each as typeof attempt)).toEqual(all.slice(at + 1));
      expect(await tasks.callbackAttempts('other', id, { before: null, limit: 10 })).toEqual([]);
    });

    laneHistoryProperty(() => ({ tasks, deliveries }));
  });
}
