import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState, type TaskId } from '@juice/contracts';
import { fingerprintOf, type DeadChoice, type DeadLetters, type DeliveryStore, type TaskStore } from '../src/index.ts';
import { calledBack, finish, frame, idAt, launch, specOf, startMs, tenant } from './sample-tasks.ts';

export interface MadeDeadLetters {
  readonly tasks: TaskStore;
  readonly deliveries: DeliveryStore;
  readonly deadLetters: DeadLetters;
  close(): Promise<void>;
}

const leaseMs = 60_000;
const t0 = startMs + 1000;
const by = 'worker-1';
const ofTenant: DeadChoice = { tenantId: tenant };
const ofAll: DeadChoice = { tenantId: null };

/** What is to be found of dead lanes, and what arming them again does. `make` gives empty stores. */
export function deadLettersContract(make: () => Promise<MadeDeadLetters>): void {
  describe('dead lanes', () => {
    let made: MadeDeadLetters;
    beforeEach(async () => {
      made = await make();
    });
    afterEach(() => made.close());

    const end = async (id: TaskId, given: { url?: string; tenantId?: string }) => {
      const { url = 'http://127.0.0.1/done', tenantId = tenant } = given;
      const task = { ...calledBack(id), tenantId, spec: specOf({ callbackUrl: url }) };
      await made.tasks.insertTasks([task]);
      const write = { callback: true, tenantId };
      await made.tasks.applyTransitions(frame(1, `${id}`), [launch(id, 0, { tenantId }), finish(id, 1, write)]);
    };
    const claim = async (id: TaskId, nowMs: number) => {
      const lane = await made.deliveries.claim(id, { nowMs, token: `${id}-${nowMs}`, leaseMs, by });
      if (lane === null) throw new Error('the lane could not be claimed');
      return lane;
    };
    const die = async (
      id: TaskId,
      given: { url?: string; tenantId?: string; reason?: string; atMs?: number } = {},
    ): Promise<void> => {
      const { reason = 'status-503', atMs = t0 } = given;
      await end(id, given);
      await made.deliveries.settleDead(await claim(id, atMs), { nowMs: atMs, reason, isTried: true });
    };
    const rearm = (
      ids: readonly TaskId[],
      given: { replayId?: string; tenantId?: string | null; diedByMs?: number } = {},
    ) =>
      made.deliveries.rearm(ids, { replayId: 'r1', tenantId: null, diedByMs: t0 + 1000, nowMs: t0 + 2000, ...given });
    const idsOf = async (choice: DeadChoice) =>
      (await made.deadLetters.findDead(choice, null, 100)).letters.map(({ taskId }) => taskId);
    const stored = async (id: TaskId, of = tenant) => {
      const [task] = await made.tasks.findTasks(of, [id]);
      if (task?.callback === undefined) throw new Error('there is no lane');
      return { ...task, lane: task.callback };
    };

    test('a lane that was given up is told with all that is known of its death', async () => {
      await die(idAt(1), { url: 'https://acme.example/hook?a=b', atMs: t0 + 7 });
      const group = fingerprintOf('acme https://acme.example', 'status-503');
      expect(group).toMatch(/^[0-9a-f]{16}$/);
      expect(await made.deadLetters.findDead(ofTenant, null, 10)).toEqual({
        letters: [
          {
            ...{ taskId: idAt(1), taskName: 'render-frame', tenantId: tenant, origin: 'https://acme.example' },
            ...{ url: 'https://acme.example/hook?a=b', reason: 'status-503', group, diedAtMs: t0 + 7, tries: 1 },
            ...{ seq: 2, status: TaskState.FINISHED, pending: 1 },
            place: `dead acme https://acme.example status-503 ${idAt(1)}`,
          },
        ],
        next: null,
      });
    });

    test('what is given of a choice must all hold', async () => {
      await die(idAt(1));
      await die(idAt(2), { reason: 'status-404', atMs: t0 + 10 });
      await die(idAt(3), { url: 'http://127.0.0.1:8080/', atMs: t0 + 20 });
      await die(idAt(4), { tenantId: 'other', atMs: t0 + 30 });
      await end(idAt(5), {});
      const origin = 'http://127.0.0.1';
      const group = fingerprintOf(`acme ${origin}`, 'status-404');
      const cases: readonly (readonly [DeadChoice, readonly number[]])[] = [
        [ofAll, [2, 1, 3, 4]],
        [ofTenant, [2, 1, 3]],
        [{ tenantId: 'other' }, [4]],
        [{ tenantId: 'acm' }, []],
        [{ tenantId: tenant, origin }, [2, 1]],
        [{ tenantId: null, origin }, [2, 1, 4]],
        [{ tenantId: null, reason: 'status-503' }, [1, 3, 4]],
        [{ tenantId: null, reason: 'status-50' }, []],
        [{ tenantId: null, origin, reason: 'status-503' }, [1, 4]],
        [{ tenantId: tenant, origin, reason: 'status-404' }, [2]],
        [{ tenantId: tenant, group }, [2]],
        [{ tenantId: 'other', group }, []],
        [{ tenantId: null, sinceMs: t0 + 10, untilMs: t0 + 30 }, [2, 3]],
        [{ tenantId: tenant, taskIds: [idAt(1), idAt(4), idAt(5), idAt(9)] }, [1]],
        [{ tenantId: null, taskIds: [] }, []],
        [{ tenantId: null, origin: 'http://127.0.0.1:80' }, []],
        [{ tenantId: null, origin: 'http://127.0.0.1.*' }, []],
      ];
      for (const [choice, expected] of cases) {
        expect([choice, await idsOf(choice)]).toEqual([choice, expected.map(idAt)]);
        expect([choice, await made.deadLetters.countDead(choice)]).toEqual([choice, expected.length]);
      }
    });

    test('they are read page by page, each once', async () => {
      const ids = Array.from({ length: 7 }, (_, n) => idAt(n + 1));
      for (const id of ids) await die(id, { reason: Number(id % 2n) === 0 ? 'status-404' : 'status-503' });
      const seen: TaskId[] = [];
      let after: string | null = null;
      do {
        const page = await made.deadLetters.findDead(ofTenant, after, 3);
        expect(page.letters.length).toBeLessThanOrEqual(3);
        seen.push(...page.letters.map(({ taskId }) => taskId));
        after = page.next;
      } while (after !== null);
      expect(seen.toSorted((a, b) => Number(a - b))).toEqual(ids);
    });

    test('a last page that is full says that there are no more', async () => {
      for (const n of [1, 2, 3, 4]) await die(idAt(n));
      const first = await made.deadLetters.findDead(ofTenant, null, 2);
      const second = await made.deadLetters.findDead(ofTenant, first.next, 2);
      expect([first, second].map(({ letters }) => letters.map(({ taskId }) => taskId))).toEqual([
        [idAt(1), idAt(2)],
        [idAt(3), idAt(4)],
      ]);
      expect([first.next, second.next]).toEqual([first.letters[1]?.place, null]);
    });

    test('a place of another tenant’s leads nowhere but into one’s own', async () => {
      for (const n of [1, 3]) await die(idAt(n), { tenantId: 'aaa' });
      await die(idAt(2));
      const { next } = await made.deadLetters.findDead({ tenantId: 'aaa' }, null, 1);
      const page = await made.deadLetters.findDead(ofTenant, next, 10);
      expect(page.letters.map(({ taskId }) => taskId)).toEqual([idAt(2)]);
    });

    test('those with the same trouble are one group, with its size, its time and its ends', async () => {
      for (const n of [1, 2, 3]) await die(idAt(n), { atMs: t0 + n });
      await die(idAt(4), { reason: 'status-404', atMs: t0 + 9 });
      const groups = await made.deadLetters.groupDead(ofTenant, 10);
      const place = { tenantId: tenant, origin: 'http://127.0.0.1' };
      expect(groups).toEqual([
        {
          ...{ ...place, reason: 'status-503', group: fingerprintOf('acme http://127.0.0.1', 'status-503') },
          ...{ count: 3, firstMs: t0 + 1, lastMs: t0 + 3, sample: [idAt(1), idAt(3)] },
        },
        {
          ...{ ...place, reason: 'status-404', group: fingerprintOf('acme http://127.0.0.1', 'status-404') },
          ...{ count: 1, firstMs: t0 + 9, lastMs: t0 + 9, sample: [idAt(4)] },
        },
      ]);
      await die(idAt(5), { reason: 'dns-failed', atMs: t0 + 8 });
      expect((await made.deadLetters.groupDead(ofTenant, 10)).map(({ reason }) => reason)).toEqual([
        ...['status-503', 'dns-failed', 'status-404'],
      ]);
      expect(await made.deadLetters.groupDead(ofTenant, 1)).toEqual(groups.slice(0, 1));
      expect(await made.deadLetters.groupDead({ ...ofTenant, sinceMs: t0 + 9 }, 10)).toEqual(groups.slice(1));
    });

    test('a lane that is armed again is due at once, with its tries before it, and dead no more', async () => {
      await die(idAt(1));
      expect(await rearm([idAt(1)])).toEqual([{ taskId: idAt(1), superseded: [] }]);
      expect(await idsOf(ofAll)).toEqual([]);
      const task = await stored(idAt(1));
      expect(task.lane).toMatchObject({ state: 'pending', attempt: 0, replay: 'r1 waiting' });
      for (const gone of ['aside', 'asideAt', 'group', 'cause']) expect(task.lane).not.toHaveProperty(gone);
      expect(task).not.toHaveProperty('purgeAt');
      expect(await made.deliveries.countReplayed('r1')).toEqual({ waiting: 1, delivered: 0 });
      const lane = await claim(idAt(1), t0 + 2000);
      expect(lane).toMatchObject({ replay: 'r1', tries: 0, state: { seq: 2 }, sinceMs: t0 + 2000 });
      await made.deliveries.settleDelivered(lane, { nowMs: t0 + 2001, leaseMs });
      expect(await made.deliveries.countReplayed('r1')).toEqual({ waiting: 0, delivered: 1 });
      expect(await stored(idAt(1))).toMatchObject({ purgeAt: expect.any(Date), lane: { replay: 'r1 delivered' } });
    });

    test('one that dies again is not armed again by the same replay, and is by another', async () => {
      await die(idAt(1));
      await rearm([idAt(1)]);
      const lane = await claim(idAt(1), t0 + 2000);
      await made.deliveries.settleFailed(lane, { retryAtMs: t0 + 2001, reason: 'status-503', triesLeft: 1 });
      const again = await claim(idAt(1), t0 + 2001);
      expect(again).toMatchObject({ replay: 'r1', tries: 1 });
      await made.deliveries.settleDead(again, { nowMs: t0 + 500, reason: 'status-503', isTried: true });
      expect(await made.deliveries.countReplayed('r1')).toEqual({ waiting: 0, delivered: 0 });
      expect(await rearm([idAt(1)])).toEqual([{ taskId: idAt(1), superseded: [] }]);
      expect(await idsOf(ofAll)).toEqual([idAt(1)]);
      expect(await idsOf({ tenantId: tenant, unlessReplayedBy: 'r1' })).toEqual([]);
      expect(await idsOf({ tenantId: tenant, unlessReplayedBy: 'r2' })).toEqual([idAt(1)]);
      expect(await rearm([idAt(1)], { replayId: 'r2' })).toEqual([{ taskId: idAt(1), superseded: [] }]);
      expect(await idsOf(ofAll)).toEqual([]);
    });

    test('what came of it is not told of a replay that was over before', async () => {
      await die(idAt(1));
      await rearm([idAt(1)]);
      await made.deliveries.settleDead(await claim(idAt(1), t0 + 2000), { nowMs: t0, reason: 'gone', isTried: true });
      await rearm([idAt(1)], { replayId: 'r2' });
      await made.deliveries.settleDelivered(await claim(idAt(1), t0 + 2000), { nowMs: t0 + 2001, leaseMs });
      expect(await made.deliveries.countReplayed('r1')).toEqual({ waiting: 0, delivered: 0 });
      expect(await made.deliveries.countReplayed('r2')).toEqual({ waiting: 0, delivered: 1 });
    });

    test('only what died by then, and is that tenant’s, is armed', async () => {
      await die(idAt(1), { atMs: t0 + 1001 });
      await die(idAt(2), { tenantId: 'other' });
      await end(idAt(3), {});
      const ids = [1, 2, 3, 4].map(idAt);
      expect(await rearm(ids, { tenantId: tenant })).toEqual([]);
      expect(await rearm(ids, { tenantId: tenant, diedByMs: t0 + 1001 })).toEqual([
        { taskId: idAt(1), superseded: [] },
      ]);
      expect(await idsOf(ofAll)).toEqual([idAt(2)]);
    });

    test('by several at once each is armed once, and all are told so', async () => {
      const ids = Array.from({ length: 20 }, (_, n) => idAt(n + 1));
      for (const id of ids) await die(id);
      const answers = await Promise.all(Array.from({ length: 4 }, () => rearm(ids)));
      for (const answer of answers) expect(new Set(answer.map(({ taskId }) => taskId))).toEqual(new Set(ids));
      expect(await made.deliveries.countReplayed('r1')).toEqual({ waiting: 20, delivered: 0 });
    });
  });
}
