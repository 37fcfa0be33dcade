import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import type { Aside, ClaimedLane, DeliveryStore, ListedLane, TaskStore } from '../src/index.ts';
import type { MadeDeliveryStore } from './delivery-store-contract.ts';
import { calledBack, finish, frame, idAt, launch, run, specOf, startMs, tenant, unreachable } from './sample-tasks.ts';

const leaseMs = 60_000;
const t0 = startMs + 1000;
const callback = { callback: true };
const endpoint = 'acme http://127.0.0.1';
const held: Aside = { state: 'held', reason: 'endpoint-open', atMs: t0, dueAtMs: t0 + 900_000 };
const paused: Aside = { state: 'held', reason: 'endpoint-paused', atMs: t0, dueAtMs: null };
const crowded: Aside = { state: 'pending', reason: 'endpoint-busy', atMs: t0, dueAtMs: t0 + 600_000 };

/** What a delivery store must do with lanes that wait for their endpoint. `make` gives empty ones. */
export function lanesAsideContract(make: () => Promise<MadeDeliveryStore>): void {
  describe('lanes that wait for their endpoint', () => {
    let made: MadeDeliveryStore;
    let tasks: TaskStore;
    let deliveries: DeliveryStore;
    beforeEach(async () => {
      made = await make();
      ({ tasks, deliveries } = made);
    });
    afterEach(() => made.close());

    /** Tasks that run, which is to be called back. */
    const running = async (ids: readonly TaskId[], changes: { url?: string; tenantId?: string } = {}) => {
      const { url = 'http://127.0.0.1/done', tenantId = tenant } = changes;
      await tasks.insertTasks(ids.map((id) => ({ ...calledBack(id), tenantId, spec: specOf({ callbackUrl: url }) })));
      await tasks.applyTransitions(
        frame(1, `${ids[0]}`),
        ids.flatMap((id) => [launch(id, 0), run(id, 1, callback)]),
      );
    };
    const claim = (taskId: TaskId, changes: { nowMs?: number; token?: string; evenAside?: boolean } = {}) =>
      deliveries.claim(taskId, { nowMs: t0, token: 'a', leaseMs, by: 'worker-1', ...changes });
    const claimed = async (...given: Parameters<typeof claim>): Promise<ClaimedLane> => {
      const lane = await claim(...given);
      if (lane === null) throw new Error('the lane could not be claimed');
      return lane;
    };
    const putAside = async (aside: Aside, ...ids: readonly TaskId[]) =>
      deliveries.putAside((await deliveries.lookUpLanes(ids)).map((lane) => ({ lane, aside })));
    const laneOf = async (taskId: TaskId) => {
      const [task] = await tasks.findTasks(tenant, [taskId]);
      if (task?.callback === undefined) throw new Error('there is no lane');
      return task.callback;
    };
    const waiting = async (of = endpoint) => (await deliveries.lanesAside(of, null, 100)).taskIds;
    const id = idAt(1);

    test('a lane that is put aside is not due until its own time, and is found by its endpoint', async () => {
      await running([id]);
      await putAside(held, id);
      expect(await deliveries.dueLanes(t0, 10)).toEqual([]);
      expect(await deliveries.nextDueAt()).toBe(held.dueAtMs);
      expect(await claim(id)).toBeNull();
      expect(await waiting()).toEqual([id]);
      expect(await laneOf(id)).toMatchObject({
        state: 'held',
        cause: 'endpoint-open http://127.0.0.1',
        aside: `waits ${endpoint} ${id}`,
        asideAt: new Date(t0),
        attempt: 0,
      });
      expect(await claim(id, { nowMs: held.dueAtMs ?? 0 })).toMatchObject({ state: { seq: 2 } });
    });

    test('without a time of its own it is not due at all', async () => {
      await running([id]);
      await putAside(paused, id);
      expect(await deliveries.nextDueAt()).toBeNull();
      expect(await waiting()).toEqual([id]);
    });

    test('whoever knows that the endpoint can be tried claims it, and then it waits no more', async () => {
      await running([id]);
      await putAside(paused, id);
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, n) => claim(id, { evenAside: true, token: `worker-${n}` })),
      );
      expect(claims.filter((lane) => lane !== null)).toHaveLength(1);
      expect(await waiting()).toEqual([]);
      const lane = await laneOf(id);
      expect(lane).toMatchObject({ state: 'leased', dueAt: new Date(t0 + leaseMs) });
      expect(lane).not.toHaveProperty('aside');
      expect(lane).not.toHaveProperty('cause');
    });

    test('a held lane keeps its tries, and is claimed without what a newer state has overtaken', async () => {
      await running([id]);
      await deliveries.settleFailed(await claimed(id), { retryAtMs: t0 + 5, reason: 'timeout-connect', triesLeft: 3 });
      const later = t0 + 5;
      await putAside({ ...held, atMs: later }, id);
      expect(await claim(id, { nowMs: later, evenAside: true })).toMatchObject({ tries: 1, superseded: [] });
      const other = idAt(2);
      await running([other]);
      await putAside(paused, other);
      await tasks.applyTransitions(frame(1, 'more'), [unreachable(other, 2, callback), finish(other, 3, callback)]);
      const lane = await claimed(other, { evenAside: true, token: 'b' });
      expect(lane).toMatchObject({ superseded: [2, 3], state: { seq: 4 }, tries: 0 });
      expect(await laneOf(other)).toMatchObject({ superseded: 2, supersededSeqs: [2, 3] });
    });

    test('one that only waits for its turn loses nothing', async () => {
      await running([id]);
      await tasks.applyTransitions(frame(1, 'end'), [finish(id, 2, callback)]);
      await putAside(crowded, id);
      expect(await laneOf(id)).toMatchObject({ state: 'pending', dueAt: new Date(crowded.dueAtMs ?? 0) });
      expect(await laneOf(id)).not.toHaveProperty('cause');
      const lane = await claimed(id, { evenAside: true });
      expect(lane.pending.map(({ seq }) => seq)).toEqual([2, 3]);
      expect(lane.superseded).toEqual([]);
    });

    test('a new state makes it due again; put aside once more, it is there once', async () => {
      await running([id]);
      await putAside(paused, id);
      await tasks.applyTransitions(frame(1, 'end'), [finish(id, 2, callback)]);
      expect(await deliveries.dueLanes(t0, 10)).toMatchObject([{ taskId: id, state: 'held', sinceMs: t0 }]);
      await putAside(paused, id);
      expect(await deliveries.dueLanes(t0, 10)).toEqual([]);
      expect(await waiting()).toEqual([id]);
      expect(await claim(id, { evenAside: true })).toMatchObject({ state: { seq: 3 }, superseded: [2] });
    });

    test('a lane that somebody has claimed, or that has changed since it was listed, is not put aside', async () => {
      await running([id, idAt(2)]);
      const listed: readonly ListedLane[] = await deliveries.lookUpLanes([id, idAt(2)]);
      await claimed(id);
      await deliveries.settleFailed(await claimed(idAt(2), { token: 'b' }), {
        retryAtMs: t0,
        reason: 'timeout',
        triesLeft: 3,
      });
      const before = [await laneOf(id), await laneOf(idAt(2))];
      await deliveries.putAside(listed.map((lane) => ({ lane, aside: held })));
      await putAside(held, id);
      expect([await laneOf(id), await laneOf(idAt(2))]).toEqual(before);
      await deliveries.putAside([]);
    });

    test('a claimed lane is set aside by who has it, without a try', async () => {
      await running([id]);
      const lane = await claimed(id);
      const why = { ...held, reason: 'status-410', dueAtMs: null };
      expect(await deliveries.setAside(lane, why)).toEqual({ applied: true, superseded: [] });
      expect(await waiting()).toEqual([id]);
      const left = await laneOf(id);
      expect(left).toMatchObject({ state: 'held', cause: 'status-410 http://127.0.0.1', attempt: 0 });
      expect(left).not.toHaveProperty('dueAt');
      expect(left).not.toHaveProperty('lease');
    });

    test('a dead lane that has a new state, and is put aside, begins again when it is taken', async () => {
      await running([id]);
      await deliveries.settleDead(await claimed(id), { nowMs: t0, reason: 'status-404', isTried: true });
      expect(await waiting()).toEqual([]);
      expect(await claim(id, { evenAside: true, token: 'b' })).toBeNull();
      await tasks.applyTransitions(frame(1, 'end'), [finish(id, 2, callback)]);
      await putAside(held, id);
      expect(await waiting()).toEqual([id]);
      expect(await claim(id, { evenAside: true, token: 'b' })).toMatchObject({ tries: 0, state: { seq: 3 } });
    });

    test('a backoff is not cut short', async () => {
      await running([id]);
      await deliveries.settleFailed(await claimed(id), { retryAtMs: t0 + 5000, reason: 'timeout', triesLeft: 3 });
      await tasks.applyTransitions(frame(1, 'end'), [finish(id, 2, callback)]);
      await putAside(crowded, id);
      expect(await claim(id, { evenAside: true, token: 'b', nowMs: t0 + 4999 })).toBeNull();
      expect(await claim(id, { evenAside: true, token: 'b', nowMs: t0 + 5000 })).toMatchObject({ tries: 1 });
    });

    test('they are listed page by page, and endpoints one after the other', async () => {
      const other = { url: 'http://127.0.0.1:8080/done' };
      const ids = [1, 2, 3].map(idAt);
      await running(ids);
      await running([idAt(10), idAt(11)], other);
      await running([idAt(20)], { tenantId: 'zeta' });
      await running([idAt(30)]);
      expect(await deliveries.nextEndpointAside(null)).toBeNull();
      await putAside(held, ...ids, idAt(10), idAt(11), idAt(20));
      await deliveries.settleDead(await claimed(idAt(30)), { nowMs: t0, reason: 'status-404', isTried: true });
      const first = await deliveries.lanesAside(endpoint, null, 2);
      expect(first).toEqual({ taskIds: ids.slice(0, 2), next: expect.any(String) });
      expect(await deliveries.lanesAside(endpoint, first.next, 2)).toEqual({ taskIds: ids.slice(2), next: null });
      expect(await deliveries.nextEndpointAside(null)).toBe(endpoint);
      expect(await deliveries.nextEndpointAside(endpoint)).toBe(`${endpoint}:8080`);
      expect(await waiting(`${endpoint}:8080`)).toEqual([idAt(10), idAt(11)]);
      expect(await deliveries.nextEndpointAside(`${endpoint}:8080`)).toBe('zeta http://127.0.0.1');
      expect(await deliveries.nextEndpointAside('zeta http://127.0.0.1')).toBeNull();
    });

    test('they are counted by state, with the age of the oldest state of each tenant', async () => {
      const ids = [1, 2, 3, 4, 5].map(idAt);
      expect(await deliveries.overviewLanes(5)).toEqual({ lanes: { pending: 0, held: 0, dead: 0 }, oldest: [] });
      await running(ids);
      await running([idAt(10)], { tenantId: 'zeta' });
      await tasks.insertTasks([calledBack(idAt(11))].map((task) => ({ ...task, tenantId: 'older' })));
      await tasks.requestKill('older', idAt(11), t0 - 500);
      const [heldOne = id, pausedOne = id, deadOne = id, idle = id] = ids;
      await putAside(held, heldOne);
      await putAside(paused, pausedOne, idAt(10));
      await deliveries.settleDead(await claimed(deadOne), { nowMs: t0, reason: 'status-404', isTried: true });
      await deliveries.settleDelivered(await claimed(idle, { token: 'b' }), { nowMs: t0, leaseMs });
      const all = await deliveries.overviewLanes(5);
      expect(all.lanes).toEqual({ pending: 2, held: 3, dead: 1 });
      expect(all.oldest[0]).toEqual({ tenantId: 'older', atMs: t0 - 500 });
      expect(new Set(all.oldest.map(({ tenantId }) => tenantId))).toEqual(new Set(['older', 'acme', 'zeta']));
      expect((await deliveries.overviewLanes(1)).oldest).toEqual([{ tenantId: 'older', atMs: t0 - 500 }]);
    });
  });
}
