import { describe, expect, test } from '@jest/globals';
import type { LiveTask } from '@juice/contracts';
import {
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
import { useTaskStore, type MadeTaskStore } from './use-task-store.ts';

/** What a task store loads for a scheduler that takes the lead, and of single tasks later. `make` gives an empty store. */
export function liveTasksContract(make: () => Promise<MadeTaskStore>): void {
  describe('loading for the scheduler', () => {
    const store = useTaskStore(make);
    const { one, insert } = store;

    const ids = (live: readonly LiveTask[]) => live.map(({ task }) => task.taskId);

    test('every live task once, page by page, in the order of ids, and no ended one', async () => {
      await insert(5, 3, 1, 4, 2, 6, 7);
      await store.tasks.requestKill(tenant, idAt(3), startMs);
      await store.tasks.applyTransitions(frame(), [launch(idAt(5), 0), launch(idAt(7), 0), run(idAt(7), 1)]);
      for (const batchSize of [1, 2, 3, 6, 100]) {
        const pages: (readonly LiveTask[])[] = [];
        for await (const page of store.tasks.liveTasks(batchSize)) pages.push(page);
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
      await store.tasks.insertTasks([newTask(idAt(1), { spec })]);
      expect(await store.tasks.loadLiveTasks([idAt(1)])).toEqual([
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
      await store.tasks.insertTasks(
        Object.entries(says).map(([place, spec]) => newTask(idAt(Number(place)), { spec })),
      );
      const loaded = await store.tasks.loadLiveTasks([1, 2, 3].map(idAt));
      expect(loaded.map(({ live }) => live?.task.lostAfterMs)).toEqual([null, null, 90_000]);
    });

    test('a task on the cluster comes with its present attempt, a requeued one without', async () => {
      await insert(1);
      await store.tasks.applyTransitions(frame(), [launch(idAt(1), 0), requeue(idAt(1), 1)]);
      const [waiting] = await store.tasks.loadLiveTasks([idAt(1)]);
      expect(waiting?.live).toMatchObject({
        task: { seq: 2, attempt: 1, notBeforeMs: startMs + 9000, avoidHost: 'host-1' },
        live: null,
      });
      const second = { attempt: 2, atMs: startMs + 9500 };
      await store.tasks.applyTransitions(frame(), [launch(idAt(1), 2, second), run(idAt(1), 3, second)]);
      await store.tasks.requestKill(tenant, idAt(1), startMs);
      const [running] = await store.tasks.loadLiveTasks([idAt(1)]);
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
      await store.tasks.applyTransitions(frame(), [quarantine(idAt(1), 4, second)]);
      expect((await store.tasks.loadLiveTasks([idAt(1)]))[0]?.live?.live).toMatchObject({
        ...{ state: 'running', quarantined: true },
      });
    });

    test('ended and unknown ids are null, in the place asked for', async () => {
      await insert(1, 2);
      await store.tasks.requestKill(tenant, idAt(1), startMs);
      const loaded = await store.tasks.loadLiveTasks([idAt(3), idAt(2), idAt(1)]);
      expect(loaded.map(({ taskId, live }) => [taskId, live === null])).toEqual([
        [idAt(3), true],
        [idAt(2), false],
        [idAt(1), true],
      ]);
      expect(await store.tasks.loadLiveTasks([])).toEqual([]);
    });

    test('waiting tasks from an id on', async () => {
      await insert(1, 2, 3, 4, 5);
      await store.tasks.applyTransitions(frame(), [launch(idAt(3), 0)]);
      expect(ids(await store.tasks.waitingSince(idAt(2), 10))).toEqual([idAt(2), idAt(4), idAt(5)]);
      expect(ids(await store.tasks.waitingSince(idAt(2), 2))).toEqual([idAt(2), idAt(4)]);
    });

    test('live tasks after an id, a page at a time', async () => {
      await insert(1, 2, 3, 4);
      await store.tasks.requestKill(tenant, idAt(2), startMs);
      await store.tasks.applyTransitions(frame(), [launch(idAt(3), 0)]);
      expect(ids(await store.tasks.liveTasksAfter(null, 2))).toEqual([idAt(1), idAt(3)]);
      expect(ids(await store.tasks.liveTasksAfter(idAt(3), 2))).toEqual([idAt(4)]);
      expect(ids(await store.tasks.liveTasksAfter(idAt(4), 2))).toEqual([]);
    });

    test('attempts by task, over or not', async () => {
      await insert(1, 2);
      await store.tasks.applyTransitions(frame(), [launch(idAt(1), 0), requeue(idAt(1), 1)]);
      await store.tasks.applyTransitions(frame(1, 'frame-2'), [launch(idAt(1), 2, { attempt: 2 })]);
      await store.tasks.applyTransitions(frame(1, 'frame-3'), [finish(idAt(1), 3, { attempt: 2 })]);
      const found = await store.tasks.attemptIds([idAt(1), idAt(2), idAt(9)]);
      expect(found).toEqual(
        new Map([
          [idAt(1), [1, 2].map((n) => `render_frame-${idAt(1)}-${n}`)],
          [idAt(2), []],
        ]),
      );
    });

    test('kills requested, the longest asked first, until the task has ended', async () => {
      await insert(1, 2, 3);
      await store.tasks.applyTransitions(frame(), [launch(idAt(1), 0), launch(idAt(2), 0)]);
      await store.tasks.requestKill(tenant, idAt(1), startMs + 20);
      await store.tasks.requestKill(tenant, idAt(2), startMs + 10);
      await store.tasks.requestKill(tenant, idAt(3), startMs);
      expect(ids(await store.tasks.killsRequested(10))).toEqual([idAt(2), idAt(1)]);
      await store.tasks.applyTransitions(frame(1, 'frame-2'), [finish(idAt(2), 1)]);
      expect(ids(await store.tasks.killsRequested(10))).toEqual([idAt(1)]);
      expect((await one(idAt(2))).killRequestedAt).toEqual(new Date(startMs + 10));
    });

    test('specs to launch by', async () => {
      await store.tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2), { traceparent: '00-a-b-01' })]);
      const loaded = await store.tasks.loadLaunchSpecs([idAt(1), idAt(2), idAt(3)]);
      expect(loaded.size).toBe(2);
      expect(loaded.get(idAt(1))).toEqual({ spec: specOf(), traceparent: null });
      expect(loaded.get(idAt(2))?.traceparent).toBe('00-a-b-01');
    });

    test('what spans are made of, of tasks that belong to a trace', async () => {
      await store.tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2), { traceparent: '00-a-b-01' })]);
      expect(await store.tasks.loadTraces([idAt(1), idAt(2), idAt(3)])).toEqual([
        expect.objectContaining({ _id: idAt(2), tenantId: tenant, traceparent: '00-a-b-01', attempts: [] }),
      ]);
    });
  });
}
