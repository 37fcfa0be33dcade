import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState, type LiveTask, type TaskId } from '@juice/contracts';
import type { TaskStore } from '../src/index.ts';
import {
  calledBack,
  finish,
  frame,
  idAt,
  launch,
  quarantine,
  newTask,
  requeue,
  run,
  specOf,
  startMs,
  tenant,
} from './sample-tasks.ts';

export interface MadeTaskStore {
  readonly tasks: TaskStore;
  close(): Promise<void>;
}

/** What a task store must do besides transitions (see transitionContract). `make` gives an empty store. */
export function taskStoreContract(make: () => Promise<MadeTaskStore>): void {
  describe('a task store', () => {
    let made: MadeTaskStore;
    let tasks: TaskStore;
    beforeEach(async () => {
      made = await make();
      tasks = made.tasks;
    });
    afterEach(() => made.close());

    const one = async (taskId: TaskId) => {
      const [found] = await tasks.findTasks(tenant, [taskId]);
      if (found === undefined) throw new Error(`task ${taskId} is not there`);
      return found;
    };
    const ids = (live: readonly LiveTask[]) => live.map(({ task }) => task.taskId);
    const insert = (...places: number[]) => tasks.insertTasks(places.map((place) => newTask(idAt(place))));

    describe('storing and finding', () => {
      test('what was stored is found as it was, its id exact', async () => {
        const task = newTask(idAt(1), { traceparent: '00-a-b-01' });
        expect(await tasks.insertTasks([task])).toEqual(['stored']);
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
        await tasks.insertTasks([calledBack(idAt(1), 'terminal')]);
        const lane = { url: 'http://127.0.0.1/done', events: 'terminal', state: 'idle', pending: [], attempt: 0 };
        expect((await one(idAt(1))).callback).toEqual(lane);
      });

      test('a task is stored once: repeats are told apart, and do no harm to the rest of the batch', async () => {
        await insert(2);
        const again = newTask(idAt(2), { spec: specOf({ taskName: 'other' }) });
        const outcomes = await tasks.insertTasks([newTask(idAt(1)), again, newTask(idAt(3)), newTask(idAt(3))]);
        expect(outcomes).toEqual(['stored', 'duplicate', 'stored', 'duplicate']);
        expect((await one(idAt(2))).taskName).toBe('render-frame');
        expect(await tasks.insertTasks([])).toEqual([]);
      });

      test('a tenant finds its own tasks alone', async () => {
        await tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2), { tenantId: 'other' })]);
        const found = await tasks.findTasks(tenant, [idAt(1), idAt(2), idAt(3)]);
        expect(found.map(({ _id }) => _id)).toEqual([idAt(1)]);
        expect(await tasks.findTasks(tenant, [])).toEqual([]);
      });

      test('of many who ask at once for a task each, everybody is told of its own', async () => {
        await tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2), { tenantId: 'other' })]);
        const wanted = Array.from({ length: 200 }, (_, at) => [at % 2 === 0 ? tenant : 'other', idAt(at % 3)] as const);
        const found = await Promise.all(wanted.map(([tenantId, taskId]) => tasks.findTasks(tenantId, [taskId])));
        for (const [at, [tenantId, taskId]] of wanted.entries()) {
          const isThere = (taskId === idAt(1) && tenantId === tenant) || (taskId === idAt(2) && tenantId === 'other');
          expect(found[at]?.map((task) => [task.tenantId, task._id])).toEqual(isThere ? [[tenantId, taskId]] : []);
        }
      });

      test('who asks after something was written finds it, whatever is being asked meanwhile', async () => {
        const before = tasks.findTasks(tenant, [idAt(1)]);
        const meanwhile = tasks.findTasks(tenant, [idAt(1)]);
        await insert(1);
        expect(await tasks.findTasks(tenant, [idAt(1)])).toHaveLength(1);
        await Promise.all([before, meanwhile]);
      });
    });

    describe('killing', () => {
      test('an unknown task, and one of another tenant', async () => {
        await insert(1);
        expect(await tasks.requestKill(tenant, idAt(2), startMs)).toEqual({ kind: 'unknown' });
        expect(await tasks.requestKill('other', idAt(1), startMs)).toEqual({ kind: 'unknown' });
        expect((await one(idAt(1))).status).toBe(TaskState.NOT_START);
      });

      test('a waiting task ends at once, with its event and its callback', async () => {
        await tasks.insertTasks([calledBack(idAt(1)), newTask(idAt(2))]);
        const at = startMs + 5000;
        expect(await tasks.requestKill(tenant, idAt(1), at)).toEqual({ kind: 'killed', status: TaskState.KILLED });
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

        await tasks.requestKill(tenant, idAt(2), at);
        expect((await one(idAt(2))).purgeAt?.getTime()).toBeGreaterThan(at);
      });

      test('a task that has ended is not touched', async () => {
        await insert(1);
        await tasks.requestKill(tenant, idAt(1), startMs);
        const outcome = await tasks.requestKill(tenant, idAt(1), startMs + 1);
        expect(outcome).toEqual({ kind: 'ended', status: TaskState.KILLED, message: 'task is killed' });
        expect(await one(idAt(1))).toMatchObject({ seq: 1, killRequestedAt: new Date(startMs) });
      });

      test('a task on the cluster is marked once', async () => {
        await insert(1);
        await tasks.applyTransitions(frame(), [launch(idAt(1), 0), run(idAt(1), 1)]);
        const requested = { kind: 'requested', status: TaskState.RUNNING };
        expect(await tasks.requestKill(tenant, idAt(1), startMs + 5)).toEqual(requested);
        expect(await tasks.requestKill(tenant, idAt(1), startMs + 6)).toEqual(requested);
        expect(await one(idAt(1))).toMatchObject({ seq: 2, killRequestedAt: new Date(startMs + 5) });
      });

      test('many at once: an outcome for each, and each as if alone', async () => {
        await insert(1, 2, 3, 4);
        await tasks.insertTasks([newTask(idAt(5), { tenantId: 'other' }), calledBack(idAt(6))]);
        await tasks.applyTransitions(frame(), [launch(idAt(2), 0), run(idAt(2), 1), launch(idAt(3), 0)]);
        await tasks.requestKill(tenant, idAt(3), startMs);
        await tasks.requestKill(tenant, idAt(4), startMs);
        const asked = [1, 2, 3, 4, 5, 6, 7, 1].map(idAt);
        const outcomes = await tasks.requestKills(tenant, asked, startMs + 5);
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
        expect(await tasks.requestKills(tenant, [], startMs)).toEqual(new Map());
      });

      test('many at once, some of them launched at the same time: whoever was first is known for each', async () => {
        const places = Array.from({ length: 60 }, (_, place) => place + 1);
        await insert(...places);
        const launching = places.filter((place) => place % 2 === 0);
        const [killed, ...launched] = await Promise.all([
          tasks.requestKills(tenant, places.map(idAt), startMs),
          ...launching.map((place) => tasks.applyTransitions(frame(1, `frame-${place}`), [launch(idAt(place), 0)])),
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
              tasks.requestKill(tenant, idAt(place), startMs),
              tasks.applyTransitions(frame(1, `frame-${place}`), [launch(idAt(place), 0)]),
            ]);
            const applied = launched.missed.length === 0;
            expect(killed.kind).toBe(applied ? 'requested' : 'killed');
            expect((await one(idAt(place))).status).toBe(applied ? TaskState.STAGING : TaskState.KILLED);
          }),
        );
      });
    });

    describe('loading for the scheduler', () => {
      test('every live task once, page by page, in the order of ids, and no ended one', async () => {
        await insert(5, 3, 1, 4, 2, 6, 7);
        await tasks.requestKill(tenant, idAt(3), startMs);
        await tasks.applyTransitions(frame(), [launch(idAt(5), 0), launch(idAt(7), 0), run(idAt(7), 1)]);
        for (const batchSize of [1, 2, 3, 6, 100]) {
          const pages: (readonly LiveTask[])[] = [];
          for await (const page of tasks.liveTasks(batchSize)) pages.push(page);
          expect(pages.flatMap(ids)).toEqual([1, 2, 4, 5, 6, 7].map(idAt));
          expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(batchSize);
        }
      });

      test('a waiting task is what the queue needs', async () => {
        const portMappings = [
          { containerPort: 80, hostPort: 0, protocol: 'tcp' as const },
          { containerPort: 53, hostPort: 31_053, protocol: 'tcp' as const },
          { containerPort: 53, hostPort: 31_053, protocol: 'udp' as const },
        ];
        const image = {
          image: 'busybox',
          forcePullImage: false,
          privileged: false,
          net: 'BRIDGE',
          parameters: [],
        } as const;
        const container = { type: 'DOCKER', docker: { ...image, portMappings }, volumes: [] } as const;
        const spec = specOf({
          commands: null,
          container,
          callbackUrl: 'http://127.0.0.1/',
          callbackEvents: 'terminal',
          maxRunSeconds: 90,
          unreachableSeconds: 0,
          resources: { ...specOf().resources, role: 'batch' },
        });
        await tasks.insertTasks([newTask(idAt(1), { spec })]);
        expect(await tasks.loadLiveTasks([idAt(1)])).toEqual([
          {
            taskId: idAt(1),
            live: {
              task: {
                taskId: idAt(1),
                tenantId: tenant,
                taskName: 'render-frame',
                seq: 0,
                attempt: 0,
                countedFailures: 0,
                freeFailures: 0,
                retry: 2,
                priority: 0,
                needs: { cpuMillis: 500, memMb: 128, diskMb: 0, gpus: 0, ports: 3, hostPorts: [31_053] },
                constraints: spec.constraints,
                group: null,
                role: 'batch',
                callback: 'terminal',
                submittedAtMs: startMs,
                expireAtMs: startMs + 86_400_000,
                maxRunMs: 90_000,
                lostAfterMs: 0,
                notBeforeMs: 0,
                avoidHost: null,
                killRequested: false,
              },
              live: null,
            },
          },
        ]);
      });

      test('how long a partition is waited for is told where the task says so', async () => {
        const says = { 1: specOf(), 2: specOf({ unreachableSeconds: null }), 3: specOf({ unreachableSeconds: 90 }) };
        await tasks.insertTasks(Object.entries(says).map(([place, spec]) => newTask(idAt(Number(place)), { spec })));
        const loaded = await tasks.loadLiveTasks([1, 2, 3].map(idAt));
        expect(loaded.map(({ live }) => live?.task.lostAfterMs)).toEqual([null, null, 90_000]);
      });

      test('a task on the cluster comes with its present attempt, a requeued one without', async () => {
        await insert(1);
        await tasks.applyTransitions(frame(), [launch(idAt(1), 0), requeue(idAt(1), 1)]);
        const [waiting] = await tasks.loadLiveTasks([idAt(1)]);
        expect(waiting?.live).toMatchObject({
          task: { seq: 2, attempt: 1, notBeforeMs: startMs + 9000, avoidHost: 'host-1' },
          live: null,
        });
        const second = { attempt: 2, atMs: startMs + 9500 };
        await tasks.applyTransitions(frame(), [launch(idAt(1), 2, second), run(idAt(1), 3, second)]);
        await tasks.requestKill(tenant, idAt(1), startMs);
        const [running] = await tasks.loadLiveTasks([idAt(1)]);
        expect(running?.live).toMatchObject({
          task: { seq: 4, attempt: 2, countedFailures: 1, notBeforeMs: 0, killRequested: true },
          live: {
            mesosTaskId: `render_frame-${idAt(1)}-2`,
            frameworkId: 'framework-1',
            agentId: 'agent-1',
            agentHost: 'host-1',
            launchedAtMs: startMs + 9500,
            startedAtMs: startMs + 9500,
            state: 'running',
            quarantined: false,
          },
        });
        await tasks.applyTransitions(frame(), [quarantine(idAt(1), 4, second)]);
        expect((await tasks.loadLiveTasks([idAt(1)]))[0]?.live?.live).toMatchObject({
          ...{ state: 'running', quarantined: true },
        });
      });

      test('ended and unknown ids are null, in the place asked for', async () => {
        await insert(1, 2);
        await tasks.requestKill(tenant, idAt(1), startMs);
        const loaded = await tasks.loadLiveTasks([idAt(3), idAt(2), idAt(1)]);
        expect(loaded.map(({ taskId, live }) => [taskId, live === null])).toEqual([
          [idAt(3), true],
          [idAt(2), false],
          [idAt(1), true],
        ]);
        expect(await tasks.loadLiveTasks([])).toEqual([]);
      });

      test('waiting tasks from an id on', async () => {
        await insert(1, 2, 3, 4, 5);
        await tasks.applyTransitions(frame(), [launch(idAt(3), 0)]);
        expect(ids(await tasks.waitingSince(idAt(2), 10))).toEqual([idAt(2), idAt(4), idAt(5)]);
        expect(ids(await tasks.waitingSince(idAt(2), 2))).toEqual([idAt(2), idAt(4)]);
      });

      test('live tasks after an id, a page at a time', async () => {
        await insert(1, 2, 3, 4);
        await tasks.requestKill(tenant, idAt(2), startMs);
        await tasks.applyTransitions(frame(), [launch(idAt(3), 0)]);
        expect(ids(await tasks.liveTasksAfter(null, 2))).toEqual([idAt(1), idAt(3)]);
        expect(ids(await tasks.liveTasksAfter(idAt(3), 2))).toEqual([idAt(4)]);
        expect(ids(await tasks.liveTasksAfter(idAt(4), 2))).toEqual([]);
      });

      test('attempts by task, over or not', async () => {
        await insert(1, 2);
        await tasks.applyTransitions(frame(), [launch(idAt(1), 0), requeue(idAt(1), 1)]);
        await tasks.applyTransitions(frame(1, 'frame-2'), [launch(idAt(1), 2, { attempt: 2 })]);
        await tasks.applyTransitions(frame(1, 'frame-3'), [finish(idAt(1), 3, { attempt: 2 })]);
        const found = await tasks.attemptIds([idAt(1), idAt(2), idAt(9)]);
        expect(found).toEqual(
          new Map([
            [idAt(1), [1, 2].map((n) => `render_frame-${idAt(1)}-${n}`)],
            [idAt(2), []],
          ]),
        );
      });

      test('kills requested, the longest asked first, until the task has ended', async () => {
        await insert(1, 2, 3);
        await tasks.applyTransitions(frame(), [launch(idAt(1), 0), launch(idAt(2), 0)]);
        await tasks.requestKill(tenant, idAt(1), startMs + 20);
        await tasks.requestKill(tenant, idAt(2), startMs + 10);
        await tasks.requestKill(tenant, idAt(3), startMs);
        expect(ids(await tasks.killsRequested(10))).toEqual([idAt(2), idAt(1)]);
        await tasks.applyTransitions(frame(1, 'frame-2'), [finish(idAt(2), 1)]);
        expect(ids(await tasks.killsRequested(10))).toEqual([idAt(1)]);
        expect((await one(idAt(2))).killRequestedAt).toEqual(new Date(startMs + 10));
      });

      test('specs to launch by', async () => {
        await tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2), { traceparent: '00-a-b-01' })]);
        const loaded = await tasks.loadLaunchSpecs([idAt(1), idAt(2), idAt(3)]);
        expect(loaded.size).toBe(2);
        expect(loaded.get(idAt(1))).toEqual({ spec: specOf(), traceparent: null });
        expect(loaded.get(idAt(2))?.traceparent).toBe('00-a-b-01');
      });

      test('what spans are made of, of tasks that belong to a trace', async () => {
        await tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2), { traceparent: '00-a-b-01' })]);
        expect(await tasks.loadTraces([idAt(1), idAt(2), idAt(3)])).toEqual([
          expect.objectContaining({ _id: idAt(2), tenantId: tenant, traceparent: '00-a-b-01', attempts: [] }),
        ]);
      });
    });

    describe('the outbox', () => {
      const asPairs = (events: readonly { taskId: TaskId; seq: number }[]) =>
        events.map(({ taskId, seq }) => [taskId, seq]);
      const kept = async () => asPairs((await tasks.outboxPage(0, 10)).events);

      test('an event waits until it is said to have arrived, and the task with it', async () => {
        await insert(1, 2);
        const late = { atMs: startMs + 3000 };
        await tasks.applyTransitions(frame(), [launch(idAt(1), 0), run(idAt(1), 1), launch(idAt(2), 0, late)]);
        expect(await kept()).toEqual([
          [idAt(1), 1],
          [idAt(1), 2],
          [idAt(2), 1],
        ]);
        const [event] = (await tasks.outboxPage(0, 10)).events;
        expect(event).toEqual({
          v: 1,
          taskId: idAt(1),
          tenantId: tenant,
          seq: 1,
          status: TaskState.STAGING,
          attempt: 1,
          message: 'task is launched',
          reason: null,
          atMs: startMs + 1000,
          callback: false,
        });

        await tasks.clearOutbox([
          { taskId: idAt(1), seq: 1 },
          { taskId: idAt(2), seq: 1 },
          { taskId: idAt(9), seq: 1 },
        ]);
        expect(await kept()).toEqual([[idAt(1), 2]]);
        expect(await one(idAt(2))).not.toHaveProperty('outboxAt');
        await tasks.clearOutbox([{ taskId: idAt(1), seq: 2 }]);
        expect(await kept()).toEqual([]);
        expect(await one(idAt(1))).toMatchObject({ outbox: [], seq: 2 });
        await tasks.clearOutbox([]);
      });

      // What is later than others need not have arrived later.
      test('only what has arrived leaves it', async () => {
        await insert(1);
        await tasks.applyTransitions(frame(), [launch(idAt(1), 0), run(idAt(1), 1), finish(idAt(1), 2)]);
        await tasks.clearOutbox([{ taskId: idAt(1), seq: 2 }]);
        expect(asPairs(await tasks.readOutboxes([idAt(1), idAt(7)]))).toEqual([
          [idAt(1), 1],
          [idAt(1), 3],
        ]);
        await Promise.all([1, 3].map((seq) => tasks.clearOutbox([{ taskId: idAt(1), seq }])));
        expect(await tasks.readOutboxes([idAt(1)])).toEqual([]);
        expect(await one(idAt(1))).not.toHaveProperty('outboxAt');
        await tasks.clearOutbox([{ taskId: idAt(1), seq: 1 }]);
        expect(await one(idAt(1))).toMatchObject({ outbox: [] });
      });

      test('the kill of a waiting task is in it too', async () => {
        await insert(1);
        await tasks.requestKill(tenant, idAt(1), startMs + 5);
        const [event] = await tasks.readOutboxes([idAt(1)]);
        expect(event).toMatchObject({ taskId: idAt(1), seq: 1, status: TaskState.KILLED, atMs: startMs + 5 });
      });

      test('all outboxes are gone through page by page, however many were added to at the same instant', async () => {
        const places = Array.from({ length: 23 }, (_, at) => at + 1);
        await insert(...places);
        // One at an instant of its own, then ten at one, eight at the next, then two and two.
        const instants = [0, ...Array(10).fill(1), ...Array(8).fill(2), 3, 3, 4, 4].map((ms: number) => startMs + ms);
        await tasks.applyTransitions(
          frame(),
          places.map((place, at) => launch(idAt(place), 0, { atMs: instants[at] ?? 0 })),
        );
        for (const limit of [1, 2, 3, 5, 10, 22, 23, 24, 100]) {
          const seen: TaskId[] = [];
          let from: number | null = 0;
          for (let pages = 0; from !== null; pages += 1) {
            const page: { events: readonly { taskId: TaskId }[]; next: number | null } = await tasks.outboxPage(
              from,
              limit,
            );
            seen.push(...page.events.map(({ taskId }) => taskId));
            expect(page.next === null || page.next > from).toBe(true);
            expect(pages).toBeLessThan(30);
            from = page.next;
          }
          expect([...new Set(seen)].sort()).toEqual(places.map((place) => idAt(place)));
        }
        expect((await tasks.outboxPage(startMs + 4, 10)).events).toHaveLength(2);
        expect(await tasks.outboxPage(startMs + 5, 10)).toEqual({ events: [], next: null });
      });
    });
  });
}
