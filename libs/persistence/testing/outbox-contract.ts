import { describe, expect, test } from '@jest/globals';
import { TaskState, type TaskId } from '@juice/contracts';
import { finish, frame, idAt, launch, run, startMs, tenant } from './sample-tasks.ts';
import { useTaskStore, type MadeTaskStore } from './use-task-store.ts';

/** How a task store keeps the events of its transitions until they have arrived. `make` gives an empty store. */
export function outboxContract(make: () => Promise<MadeTaskStore>): void {
  describe('the outbox', () => {
    const store = useTaskStore(make);
    const { one, insert } = store;

    const asPairs = (events: readonly { taskId: TaskId; seq: number }[]) =>
      events.map(({ taskId, seq }) => [taskId, seq]);
    const kept = async () => asPairs((await store.tasks.outboxPage(0, 10)).events);

    test('an event waits until it is said to have arrived, and the task with it', async () => {
      await insert(1, 2);
      const late = { atMs: startMs + 3000 };
      await store.tasks.applyTransitions(frame(), [launch(idAt(1), 0), run(idAt(1), 1), launch(idAt(2), 0, late)]);
      expect(await kept()).toEqual([
        [idAt(1), 1],
        [idAt(1), 2],
        [idAt(2), 1],
      ]);
      const [event] = (await store.tasks.outboxPage(0, 10)).events;
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

      await store.tasks.clearOutbox([
        { taskId: idAt(1), seq: 1 },
        { taskId: idAt(2), seq: 1 },
        { taskId: idAt(9), seq: 1 },
      ]);
      expect(await kept()).toEqual([[idAt(1), 2]]);
      expect(await one(idAt(2))).not.toHaveProperty('outboxAt');
      await store.tasks.clearOutbox([{ taskId: idAt(1), seq: 2 }]);
      expect(await kept()).toEqual([]);
      expect(await one(idAt(1))).toMatchObject({ outbox: [], seq: 2 });
      await store.tasks.clearOutbox([]);
    });

    // What is later than others need not have arrived later.
    test('only what has arrived leaves it', async () => {
      await insert(1);
      await store.tasks.applyTransitions(frame(), [launch(idAt(1), 0), run(idAt(1), 1), finish(idAt(1), 2)]);
      await store.tasks.clearOutbox([{ taskId: idAt(1), seq: 2 }]);
      expect(asPairs(await store.tasks.readOutboxes([idAt(1), idAt(7)]))).toEqual([
        [idAt(1), 1],
        [idAt(1), 3],
      ]);
      await Promise.all([1, 3].map((seq) => store.tasks.clearOutbox([{ taskId: idAt(1), seq }])));
      expect(await store.tasks.readOutboxes([idAt(1)])).toEqual([]);
      expect(await one(idAt(1))).not.toHaveProperty('outboxAt');
      await store.tasks.clearOutbox([{ taskId: idAt(1), seq: 1 }]);
      expect(await one(idAt(1))).toMatchObject({ outbox: [] });
    });

    test('the kill of a waiting task is in it too', async () => {
      await insert(1);
      await store.tasks.requestKill(tenant, idAt(1), startMs + 5);
      const [event] = await store.tasks.readOutboxes([idAt(1)]);
      expect(event).toMatchObject({ taskId: idAt(1), seq: 1, status: TaskState.KILLED, atMs: startMs + 5 });
    });

    test('all outboxes are gone through page by page, however many were added to at the same instant', async () => {
      const places = Array.from({ length: 23 }, (_, at) => at + 1);
      await insert(...places);
      // One at an instant of its own, then ten at one, eight at the next, then two and two.
      const instants = [0, ...Array(10).fill(1), ...Array(8).fill(2), 3, 3, 4, 4].map((ms: number) => startMs + ms);
      await store.tasks.applyTransitions(
        frame(),
        places.map((place, at) => launch(idAt(place), 0, { atMs: instants[at] ?? 0 })),
      );
      for (const limit of [1, 2, 3, 5, 10, 22, 23, 24, 100]) {
        const seen: TaskId[] = [];
        let from: number | null = 0;
        for (let pages = 0; from !== null; pages += 1) {
          const page: { events: readonly { taskId: TaskId }[]; next: number | null } = await store.tasks.outboxPage(
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
      expect((await store.tasks.outboxPage(startMs + 4, 10)).events).toHaveLength(2);
      expect(await store.tasks.outboxPage(startMs + 5, 10)).toEqual({ events: [], next: null });
    });
  });
}
