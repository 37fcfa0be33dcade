import type { TaskId } from '@juice/contracts';
import type { TaskCollection } from './collections.ts';
import { gather } from './gather.ts';
import { attempt } from './mongo-failure.ts';
import type { TaskRecord } from './task-record.ts';

/** So many tasks of one query stay well below what a server sends in one message. */
const mostTogether = 64;

/**
 * Finds a tenant's tasks. Those who ask for one task each while a query is under way share the next one: a query costs more than
 * the tasks that it finds. It begins after they have asked, so what they are told is as new as by a query of their own.
 */
export function createFindTasks(tasks: TaskCollection) {
  const find = (filter: object): Promise<TaskRecord[]> =>
    attempt('find tasks', () => tasks.find<TaskRecord>(filter, { projection: { idemRefused: 0 } }).toArray());

  const findOne = gather<{ tenantId: string; taskId: TaskId }, readonly TaskRecord[]>(mostTogether, async (asked) => {
    const ids = new Set(asked.map(({ taskId }) => taskId));
    const found = new Map((await find({ _id: { $in: [...ids] } })).map((task) => [task._id, task]));
    return ({ tenantId, taskId }) => {
      const task = found.get(taskId);
      return task?.tenantId === tenantId ? [task] : [];
    };
  });

  return async (tenantId: string, ids: readonly TaskId[]): Promise<readonly TaskRecord[]> => {
    const [taskId, ...more] = ids;
    if (taskId === undefined) return [];
    return more.length === 0 ? findOne({ tenantId, taskId }) : find({ tenantId, _id: { $in: [...ids] } });
  };
}
