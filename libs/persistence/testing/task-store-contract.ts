import { describe, expect, test } from '@jest/globals';
import { TaskState } from '@juice/contracts';
import { calledBack, frame, idAt, launch, newTask, run, specOf, startMs, tenant } from './sample-tasks.ts';
import { useTaskStore, type MadeTaskStore } from './use-task-store.ts';

/** What a task store must do besides transitions, loading and the outbox, which have contracts of their own. `make` gives an empty store. */
export function taskStoreContract(make: () => Promise<MadeTaskStore>): void {
  describe('a task store', () => {
    const store = useTaskStore(make);
    const { one, insert } = store;

    describe('storing and finding', () => {
      test('what was stored is found as it was, its id exact', async () => {
        const task = newTask(idAt(1), { traceparent: '00-a-b-01' });
        expect(await store.tasks.insertTasks([task])).toEqual(['stored']);
        const found = await one(idAt(1));
        expect(found._id).toBe(7_000_000_000_000_000_001n);
        expect(found).toMatchObject({
          tenantId: tenant,
          taskName: 'render-frame',
          spec: task.spec,
          status: TaskState.NOT_START,
          seq: 0,
          attempt: 0,
          attempts: [],
          history: [],
          outbox: [],
          epoch: 0,
          submitAt: new Date(startMs),
          expireAt: new Date(startMs + 86_400_000),
          traceparent: '00-a-b-01',
        });
        expect(found).not.toHaveProperty('callback');
      });

      test('a task with a callback URL has an idle lane', async () => {
        await store.tasks.insertTasks([calledBack(idAt(1), 'terminal')]);
        const lane = { url: 'http://127.0.0.1/done', events: 'terminal', state: 'idle', pending: [], attempt: 0 };
        expect((await one(idAt(1))).callback).toEqual(lane);
      });

      test('a task is stored once: repeats are told apart, and do no harm to the rest of the batch', async () => {
        await insert(2);
        const again = newTask(idAt(2), { spec: specOf({ taskName: 'other' }) });
        const outcomes = await store.tasks.insertTasks([newTask(idAt(1)), again, newTask(idAt(3)), newTask(idAt(3))]);
        expect(outcomes).toEqual(['stored', 'duplicate', 'stored', 'duplicate']);
        expect((await one(idAt(2))).taskName).toBe('render-frame');
        expect(await store.tasks.insertTasks([])).toEqual([]);
      });

      test('a tenant finds its own tasks alone', async () => {
        await store.tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2), { tenantId: 'other' })]);
        const found = await store.tasks.findTasks(tenant, [idAt(1), idAt(2), idAt(3)]);
        expect(found.map(({ _id }) => _id)).toEqual([idAt(1)]);
        expect(await store.tasks.findTasks(tenant, [])).toEqual([]);
      });

      test('of many who ask at once for a task each, everybody is told of its own', async () => {
        await store.tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2), { tenantId: 'other' })]);
        const wanted = Array.from({ length: 200 }, (_, at) => [at % 2 === 0 ? tenant : 'other', idAt(at % 3)] as const);
        const found = await Promise.all(wanted.map(([tenantId, taskId]) => store.tasks.findTasks(tenantId, [taskId])));
        for (const [at, [tenantId, taskId]] of wanted.entries()) {
          const isThere = (taskId === idAt(1) && tenantId === tenant) || (taskId === idAt(2) && tenantId === 'other');
          expect(found[at]?.map((task) => [task.tenantId, task._id])).toEqual(isThere ? [[tenantId, taskId]] : []);
        }
      });

      test('who asks after something was written finds it, whatever is being asked meanwhile', async () => {
        const before = store.tasks.findTasks(tenant, [idAt(1)]);
        const meanwhile = store.tasks.findTasks(tenant, [idAt(1)]);
        await insert(1);
        expect(await store.tasks.findTasks(tenant, [idAt(1)])).toHaveLength(1);
        await Promise.all([before, meanwhile]);
      });
    });

    describe('killing', () => {
      test('an unknown task, and one of another tenant', async () => {
        await insert(1);
        expect(await store.tasks.requestKill(tenant, idAt(2), startMs)).toEqual({ kind: 'unknown' });
        expect(await store.tasks.requestKill('other', idAt(1), startMs)).toEqual({ kind: 'unknown' });
        expect((await one(idAt(1))).status).toBe(TaskState.NOT_START);
      });

      test('a waiting task ends at once, with its event and its callback', async () => {
        await store.tasks.insertTasks([calledBack(idAt(1)), newTask(idAt(2))]);
        const at = startMs + 5000;
        expect(await store.tasks.requestKill(tenant, idAt(1), at)).toEqual({
          kind: 'killed',
          status: TaskState.KILLED,
        });
        const found = await one(idAt(1));
        const event = {
          seq: 1,
          status: TaskState.KILLED,
          at: new Date(at),
          attempt: 0,
          message: 'task is killed',
          reason: null,
        };
        expect(found).toMatchObject({ status: TaskState.KILLED, seq: 1, message: 'task is killed', history: [event] });
        expect(found).toMatchObject({ finishAt: new Date(at), killRequestedAt: new Date(at), outboxAt: new Date(at) });
        expect(found.outbox).toEqual([{ ...event, callback: true }]);
        expect(found.callback).toMatchObject({ pending: [{ ...event, exitCode: null }], dueAt: new Date(at) });
        expect(found).not.toHaveProperty('purgeAt');

        await store.tasks.requestKill(tenant, idAt(2), at);
        expect((await one(idAt(2))).purgeAt?.getTime()).toBeGreaterThan(at);
      });

      test('a task that has ended is not touched', async () => {
        await insert(1);
        await store.tasks.requestKill(tenant, idAt(1), startMs);
        const outcome = await store.tasks.requestKill(tenant, idAt(1), startMs + 1);
        expect(outcome).toEqual({ kind: 'ended', status: TaskState.KILLED, message: 'task is killed' });
        expect(await one(idAt(1))).toMatchObject({ seq: 1, killRequestedAt: new Date(startMs) });
      });

      test('a task on the cluster is marked once', async () => {
        await insert(1);
        await store.tasks.applyTransitions(frame(), [launch(idAt(1), 0), run(idAt(1), 1)]);
        const requested = { kind: 'requested', status: TaskState.RUNNING };
        expect(await store.tasks.requestKill(tenant, idAt(1), startMs + 5)).toEqual(requested);
        expect(await store.tasks.requestKill(tenant, idAt(1), startMs + 6)).toEqual(requested);
        expect(await one(idAt(1))).toMatchObject({ seq: 2, killRequestedAt: new Date(startMs + 5) });
      });

      test('many at once: an outcome for each, and each as if alone', async () => {
        await insert(1, 2, 3, 4);
        await store.tasks.insertTasks([newTask(idAt(5), { tenantId: 'other' }), calledBack(idAt(6))]);
        await store.tasks.applyTransitions(frame(), [launch(idAt(2), 0), run(idAt(2), 1), launch(idAt(3), 0)]);
        await store.tasks.requestKill(tenant, idAt(3), startMs);
        await store.tasks.requestKill(tenant, idAt(4), startMs);
        const asked = [1, 2, 3, 4, 5, 6, 7, 1].map(idAt);
        const outcomes = await store.tasks.requestKills(tenant, asked, startMs + 5);
        expect(outcomes).toEqual(
          new Map([
            [idAt(1), { kind: 'killed', status: TaskState.KILLED }],
            [idAt(2), { kind: 'requested', status: TaskState.RUNNING }],
            [idAt(3), { kind: 'requested', status: TaskState.STAGING }],
            [idAt(4), { kind: 'ended', status: TaskState.KILLED, message: 'task is killed' }],
            [idAt(5), { kind: 'unknown' }],
            [idAt(6), { kind: 'killed', status: TaskState.KILLED }],
            [idAt(7), { kind: 'unknown' }],
          ]),
        );
        expect((await one(idAt(2))).killRequestedAt).toEqual(new Date(startMs + 5));
        expect((await one(idAt(3))).killRequestedAt).toEqual(new Date(startMs));
        expect((await one(idAt(6))).callback?.pending).toHaveLength(1);
        expect(await store.tasks.requestKills(tenant, [], startMs)).toEqual(new Map());
      });

      test('many at once, some of them launched at the same time: whoever was first is known for each', async () => {
        const places = Array.from({ length: 60 }, (_, place) => place + 1);
        await insert(...places);
        const launching = places.filter((place) => place % 2 === 0);
        const [killed, ...launched] = await Promise.all([
          store.tasks.requestKills(tenant, places.map(idAt), startMs),
          ...launching.map((place) =>
            store.tasks.applyTransitions(frame(1, `frame-${place}`), [launch(idAt(place), 0)]),
          ),
        ]);
        for (const place of places) {
          const applied = launched[launching.indexOf(place)]?.missed.length === 0;
          expect(killed.get(idAt(place))?.kind).toBe(applied ? 'requested' : 'killed');
          expect(await one(idAt(place))).toMatchObject({
            status: applied ? TaskState.STAGING : TaskState.KILLED,
            killRequestedAt: new Date(startMs),
          });
        }
      });

      test('a kill and a launch at once: one of them is first, and the other knows', async () => {
        const places = Array.from({ length: 40 }, (_, place) => place + 1);
        await insert(...places);
        await Promise.all(
          places.map(async (place) => {
            const [killed, launched] = await Promise.all([
              store.tasks.requestKill(tenant, idAt(place), startMs),
              store.tasks.applyTransitions(frame(1, `frame-${place}`), [launch(idAt(place), 0)]),
            ]);
            const applied = launched.missed.length === 0;
            expect(killed.kind).toBe(applied ? 'requested' : 'killed');
            expect((await one(idAt(place))).status).toBe(applied ? TaskState.STAGING : TaskState.KILLED);
          }),
        );
      });
    });
  });
}
