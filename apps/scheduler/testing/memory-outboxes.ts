import type { StatusEvent, TaskId } from '@juice/contracts';
import type { AnnouncementStore } from '../src/announcements.ts';

/** The outboxes of all tasks, as the real store keeps them in the tasks' documents. */
export interface MemoryOutboxes {
  add(event: StatusEvent): void;
  clear(published: Parameters<AnnouncementStore['clearOutbox']>[0]): void;
  read(ids: readonly TaskId[]): readonly StatusEvent[];
  page(fromMs: number, limit: number): Awaited<ReturnType<AnnouncementStore['outboxPage']>>;
  isEmpty(): boolean;
}

export function createMemoryOutboxes(): MemoryOutboxes {
  const outboxes = new Map<TaskId, StatusEvent[]>();
  const addedAt = (events: readonly StatusEvent[]): number => events.at(-1)?.atMs ?? 0;
  return {
    add(event) {
      outboxes.set(event.taskId, [...(outboxes.get(event.taskId) ?? []), event]);
    },
    clear(published) {
      for (const { taskId, seq } of published) {
        const left = (outboxes.get(taskId) ?? []).filter((event) => event.seq !== seq);
        if (left.length === 0) outboxes.delete(taskId);
        else outboxes.set(taskId, left);
      }
    },
    read: (ids) => ids.flatMap((taskId) => outboxes.get(taskId) ?? []),
    page(fromMs, limit) {
      const found = [...outboxes.values()]
        .filter((events) => addedAt(events) >= fromMs)
        .sort((a, b) => addedAt(a) - addedAt(b));
      const last = addedAt(found.slice(0, limit).at(-1) ?? []);
      const events = found.filter((one, at) => at < limit || addedAt(one) === last).flat();
      return { events, next: found.length < limit ? null : last + 1 };
    },
    isEmpty: () => outboxes.size === 0,
  };
}
