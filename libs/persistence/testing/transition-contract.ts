import { describe, expect, test } from '@jest/globals';
import { TaskState } from '@juice/contracts';
import {
  calledBack,
  finish,
  frame,
  idAt,
  launch,
  newTask,
  requeue,
  run,
  specOf,
  startMs,
  tenant,
  unreachable,
} from './sample-tasks.ts';
import { useTaskStore, type MadeTaskStore } from './use-task-store.ts';

const applied = { missed: [], refused: [], fenced: false };

/** What a scheduler's frame of transitions must do to the documents. `make` gives an empty store. */
export function transitionContract(make: () => Promise<MadeTaskStore>): void {
  describe('transitions', () => {
    const store = useTaskStore(make);
    const { one } = store;

    test('an attempt from launch to end', async () => {
      await store.tasks.insertTasks([newTask(idAt(1))]);
      const at = (ms: number) => ({ atMs: startMs + ms });
      expect(await store.tasks.applyTransitions(frame(3, 'a'), [launch(idAt(1), 0, at(10))])).toEqual(applied);
      expect(await one(idAt(1))).toMatchObject({
        status: TaskState.STAGING,
        seq: 1,
        attempt: 1,
        epoch: 3,
        frame: 'a',
        launchedAt: new Date(startMs + 10),
        attempts: [
          {
            n: 1,
            mesosTaskId: `render_frame-${idAt(1)}-1`,
            frameworkId: 'framework-1',
            agentId: 'agent-1',
            agentHost: 'host-1',
            agentPort: 5051,
            launchedAt: new Date(startMs + 10),
            state: 'launching',
          },
        ],
      });
      expect(await store.tasks.applyTransitions(frame(3, 'b'), [run(idAt(1), 1, at(20))])).toEqual(applied);
      expect(await store.tasks.applyTransitions(frame(3, 'c'), [unreachable(idAt(1), 2, at(30))])).toEqual(applied);
      expect((await one(idAt(1))).attempts[0]).toMatchObject({ state: 'unreachable' });
      expect(await store.tasks.applyTransitions(frame(3, 'd'), [run(idAt(1), 3, at(40))])).toEqual(applied);
      const end = finish(idAt(1), 4, { ...at(50), reason: 'REASON_COMMAND' });
      expect(await store.tasks.applyTransitions(frame(3, 'e'), [end])).toEqual(applied);
      const found = await one(idAt(1));
      expect(found).toMatchObject({
        status: TaskState.FINISHED,
        message: 'Command exited with status 0',
        reason: 'REASON_COMMAND',
        seq: 5,
        frame: 'e',
        startedAt: new Date(startMs + 20),
        finishAt: new Date(startMs + 50),
      });
      expect(found.attempts).toHaveLength(1);
      expect(found.attempts[0]).toMatchObject({
        state: 'TASK_FINISHED',
        startedAt: new Date(startMs + 20),
        endedAt: new Date(startMs + 50),
        exitCode: 0,
        free: false,
        reason: 'REASON_COMMAND',
        message: 'Command exited with status 0',
      });
      const seen = [TaskState.STAGING, TaskState.RUNNING, TaskState.UNREACHABLE, TaskState.RUNNING, TaskState.FINISHED];
      expect(found.history.map(({ seq, status }) => [seq, status])).toEqual(seen.map((status, n) => [n + 1, status]));
      expect(found.outbox.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
      expect(found.purgeAt?.getTime()).toBeGreaterThan(startMs + 50);
    });

    test('several of one task in one frame apply in order, among those of others', async () => {
      await store.tasks.insertTasks([1, 2, 3].map((place) => newTask(idAt(place))));
      const written = [
        launch(idAt(1), 0),
        launch(idAt(2), 0),
        run(idAt(1), 1),
        finish(idAt(1), 2),
        run(idAt(2), 1),
        launch(idAt(3), 0),
      ];
      expect(await store.tasks.applyTransitions(frame(), written)).toEqual(applied);
      expect(await one(idAt(1))).toMatchObject({ seq: 3, status: TaskState.FINISHED });
      expect(await one(idAt(2))).toMatchObject({ seq: 2, status: TaskState.RUNNING });
      expect(await one(idAt(3))).toMatchObject({ seq: 1, status: TaskState.STAGING });
      expect(await store.tasks.applyTransitions(frame(), [])).toEqual(applied);
    });

    test.each([
      ['each task once', []],
      ['a task twice, so in order', [2]],
    ])('what the database will not take holds up nobody else (%s)', async (_what, again) => {
      // Sixteen megabytes are the most a document can hold.
      const value = 'x'.repeat(16 * 1024 * 1024 - 4_000);
      const full = newTask(idAt(1), { spec: specOf({ env: [{ name: 'FULL', value }] }) });
      await store.tasks.insertTasks([full, newTask(idAt(2)), newTask(idAt(3))]);
      const message = 'y'.repeat(4_000);
      const outcome = await store.tasks.applyTransitions(frame(), [
        launch(idAt(1), 0, { message }),
        launch(idAt(2), 0),
        ...again.map((place) => run(idAt(place), 1)),
        launch(idAt(3), 9),
      ]);
      expect(outcome).toEqual({
        missed: [idAt(3)],
        refused: [{ taskId: idAt(1), detail: expect.stringMatching(/\(code \d+\)$/) }],
        fenced: false,
      });
      expect(await one(idAt(1))).toMatchObject({ seq: 0, status: TaskState.NOT_START });
      expect(await one(idAt(2))).toMatchObject({ seq: 1 + again.length });
    });

    test('a large frame: those that miss are named, the others apply', async () => {
      const places = Array.from({ length: 300 }, (_, place) => place + 1);
      await store.tasks.insertTasks(places.map((place) => newTask(idAt(place))));
      const wrong = places.filter((place) => place % 50 === 0);
      const outcome = await store.tasks.applyTransitions(
        frame(),
        places.map((place) => launch(idAt(place), wrong.includes(place) ? 7 : 0)),
      );
      expect(outcome).toEqual({ missed: wrong.map(idAt), refused: [], fenced: false });
      const found = await store.tasks.findTasks(tenant, places.map(idAt));
      expect(found.filter(({ seq }) => seq === 0).map(({ _id }) => _id)).toEqual(
        expect.arrayContaining(wrong.map(idAt)),
      );
      expect(found.filter(({ seq }) => seq === 1)).toHaveLength(300 - wrong.length);
    });

    test('a requeue: the attempt has ended, the failures count, and the next launch is the next attempt', async () => {
      await store.tasks.insertTasks([newTask(idAt(1))]);
      await store.tasks.applyTransitions(frame(1, 'a'), [launch(idAt(1), 0), requeue(idAt(1), 1)]);
      const waiting = await one(idAt(1));
      expect(waiting).toMatchObject({
        status: TaskState.NOT_START,
        attempt: 1,
        countedFailures: 1,
        freeFailures: 0,
        notBefore: new Date(startMs + 9000),
      });
      expect(waiting.attempts).toMatchObject([{ state: 'TASK_FAILED', exitCode: 3 }]);
      expect(waiting).not.toHaveProperty('finishAt');
      await store.tasks.applyTransitions(frame(1, 'b'), [launch(idAt(1), 2, { attempt: 2 })]);
      const again = await one(idAt(1));
      expect(again.attempts).toMatchObject([{ n: 1 }, { n: 2, state: 'launching' }]);
      expect(again).not.toHaveProperty('notBefore');

      const atOnce = { attempt: 2, requeue: { notBeforeMs: 0, countedFailures: 1, freeFailures: 1 } };
      await store.tasks.applyTransitions(frame(1, 'c'), [requeue(idAt(1), 3, atOnce)]);
      expect(await one(idAt(1))).toMatchObject({ attempt: 2, freeFailures: 1 });
      expect(await one(idAt(1))).not.toHaveProperty('notBefore');
    });

    test('a task that ends without an attempt keeps those it had', async () => {
      await store.tasks.insertTasks([newTask(idAt(1))]);
      await store.tasks.applyTransitions(frame(1, 'a'), [launch(idAt(1), 0), requeue(idAt(1), 1)]);
      const expired = {
        attempt: 0,
        status: TaskState.EXPIRED,
        message: 'task is expired',
        change: { kind: 'none' },
      } as const;
      await store.tasks.applyTransitions(frame(1, 'b'), [finish(idAt(1), 2, expired)]);
      expect(await one(idAt(1))).toMatchObject({ status: TaskState.EXPIRED, attempt: 1, attempts: [{ n: 1 }] });
    });

    test('a wrong seq changes nothing, and what follows in the frame misses too', async () => {
      await store.tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2))]);
      const written = [launch(idAt(1), 1), run(idAt(1), 2), launch(idAt(2), 0), launch(idAt(3), 0)];
      expect(await store.tasks.applyTransitions(frame(), written)).toEqual({
        missed: [idAt(1), idAt(3)],
        refused: [],
        fenced: false,
      });
      expect(await one(idAt(1))).toMatchObject({ seq: 0, status: TaskState.NOT_START, epoch: 0, attempts: [] });
      expect(await one(idAt(2))).toMatchObject({ seq: 1 });
    });

    test('a requested kill stops what must not happen to a task to be killed, and nothing else', async () => {
      await store.tasks.insertTasks([newTask(idAt(1))]);
      await store.tasks.applyTransitions(frame(1, 'a'), [launch(idAt(1), 0)]);
      await store.tasks.requestKill(tenant, idAt(1), startMs);
      const missed = { missed: [idAt(1)], refused: [], fenced: false };
      expect(await store.tasks.applyTransitions(frame(1, 'b'), [requeue(idAt(1), 1)])).toEqual(missed);
      expect(await store.tasks.applyTransitions(frame(1, 'c'), [run(idAt(1), 1), finish(idAt(1), 2)])).toEqual(applied);
    });

    test('an older epoch is fenced by a newer one, and writes nothing', async () => {
      await store.tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2))]);
      await store.tasks.applyTransitions(frame(5, 'new'), [launch(idAt(1), 0)]);
      const outcome = await store.tasks.applyTransitions(frame(4, 'old'), [run(idAt(1), 1)]);
      expect(outcome).toEqual({ missed: [idAt(1)], refused: [], fenced: true });
      expect(await one(idAt(1))).toMatchObject({ seq: 1, epoch: 5, frame: 'new' });
      expect(await store.tasks.applyTransitions(frame(6, 'newest'), [run(idAt(1), 1)])).toEqual(applied);
    });

    test('a frame written again is recognised, whole or in part', async () => {
      await store.tasks.insertTasks([newTask(idAt(1)), newTask(idAt(2))]);
      const written = [launch(idAt(1), 0), run(idAt(1), 1), launch(idAt(2), 0)];
      await store.tasks.applyTransitions(frame(1, 'a'), written.slice(0, 1));
      expect(await store.tasks.applyTransitions(frame(1, 'a'), written)).toEqual(applied);
      const before = await store.tasks.findTasks(tenant, [idAt(1), idAt(2)]);
      expect(await store.tasks.applyTransitions(frame(1, 'a'), written)).toEqual(applied);
      expect(await store.tasks.findTasks(tenant, [idAt(1), idAt(2)])).toEqual(before);
      expect(await store.tasks.applyTransitions(frame(1, 'b'), written)).toEqual({
        missed: [idAt(1), idAt(2)],
        refused: [],
        fenced: false,
      });
    });

    // The api's kill raises seq just as the frame's own write would have: were its stamp left in place, a launch that never
    // applied would be taken for one that had, and a killed task would start.
    test('a kill in the middle of a frame is not taken for the write it displaced', async () => {
      await store.tasks.insertTasks([newTask(idAt(1))]);
      await store.tasks.applyTransitions(frame(1, 'a'), [launch(idAt(1), 0)]);
      const written = [requeue(idAt(1), 1), launch(idAt(1), 2, { attempt: 2 })];
      await store.tasks.applyTransitions(frame(1, 'b'), written.slice(0, 1));
      expect((await store.tasks.requestKill(tenant, idAt(1), startMs)).kind).toBe('killed');
      expect(await store.tasks.applyTransitions(frame(1, 'b'), written)).toEqual({
        missed: [idAt(1)],
        refused: [],
        fenced: false,
      });
      expect(await one(idAt(1))).toMatchObject({ status: TaskState.KILLED, seq: 3 });
    });

    test('the history keeps the last fifty', async () => {
      await store.tasks.insertTasks([newTask(idAt(1))]);
      const flapping = Array.from({ length: 60 }, (_, n) =>
        n % 2 === 0 ? run(idAt(1), n + 1) : unreachable(idAt(1), n + 1),
      );
      expect(await store.tasks.applyTransitions(frame(), [launch(idAt(1), 0), ...flapping])).toEqual(applied);
      const { history, seq } = await one(idAt(1));
      expect(seq).toBe(61);
      expect(history.map((entry) => entry.seq)).toEqual(Array.from({ length: 50 }, (_, n) => n + 12));
    });

    test('a state to be called back is put into the lane, which is due from the first of them on', async () => {
      await store.tasks.insertTasks([calledBack(idAt(1))]);
      const written = [
        launch(idAt(1), 0),
        run(idAt(1), 1, { callback: true, atMs: startMs + 20 }),
        finish(idAt(1), 2, { callback: true, atMs: startMs + 30 }),
      ];
      await store.tasks.applyTransitions(frame(), written);
      const { callback, outbox, ...found } = await one(idAt(1));
      expect(callback).toMatchObject({ state: 'idle', dueAt: new Date(startMs + 20) });
      expect(callback?.pending).toEqual([
        {
          seq: 2,
          status: TaskState.RUNNING,
          at: new Date(startMs + 20),
          attempt: 1,
          message: 'task is running',
          reason: null,
          exitCode: null,
        },
        {
          seq: 3,
          status: TaskState.FINISHED,
          at: new Date(startMs + 30),
          attempt: 1,
          message: 'Command exited with status 0',
          reason: null,
          exitCode: 0,
        },
      ]);
      expect(outbox.map((event) => event.callback)).toEqual([false, true, true]);
      expect(found).not.toHaveProperty('purgeAt');
    });
  });
}
