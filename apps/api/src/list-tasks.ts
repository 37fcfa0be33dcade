import {
  firstTaskIdAt,
  pageLimit,
  type ListTasksQuery,
  type TaskFilter,
  type TaskId,
  type TaskListAnswer,
} from '@juice/contracts';
import type { DateText } from './date-text.ts';
import { viewTask, type ShownTask } from './view-task.ts';

export interface PageQuery {
  readonly filter: TaskFilter;
  /** Only tasks whose kill was not asked for. */
  readonly unkilled?: boolean;
  /** Older than this one; null: from the newest. */
  readonly before: TaskId | null;
  readonly limit: number;
}

export interface Page<T> {
  readonly tasks: readonly T[];
  /** Where to go on; null when there is nothing older. A page may be shorter than its limit, even empty, and have one. */
  readonly next: TaskId | null;
}

/** The part of the task store that listing needs. */
export interface ListStore {
  /** The newest tasks of a tenant that match, at a bounded cost. Throws DependencyFailure. */
  listTasks(tenantId: string, query: PageQuery): Promise<Page<ShownTask>>;
}

/** The tenant's tasks that match, the newest first, a page at a time. */
export type ListTasks = (tenantId: string, query: ListTasksQuery) => Promise<TaskListAnswer>;

export function createListTasks(deps: { tasks: ListStore; dateText: DateText }): ListTasks {
  return async (tenantId, { cursor = null, limit = pageLimit.default, label, ...query }) => {
    const filter = filterOf({ ...query, labels: label });
    const { tasks, next } = await deps.tasks.listTasks(tenantId, { filter, before: cursor, limit });
    return {
      tasks: tasks.map((task) => {
        const { attempts: _, ...entry } = viewTask(task, deps.dateText);
        return entry;
      }),
      ...(next !== null && { nextCursor: String(next) }),
    };
  };
}

/** What requests say of the tasks they mean. */
interface Chosen {
  readonly status?: TaskFilter['states'] | undefined;
  readonly namePrefix?: string | undefined;
  readonly labels?: TaskFilter['labels'] | undefined;
  readonly submittedAfter?: number | undefined;
  readonly submittedBefore?: number | undefined;
}

/** The same for the store. Ids are made when tasks are stored, and grow with time: a range of time is one of ids. */
export function filterOf({ status, namePrefix, labels, submittedAfter, submittedBefore }: Chosen): TaskFilter {
  return {
    ...(status !== undefined && { states: status }),
    ...(namePrefix !== undefined && { namePrefix }),
    ...(labels !== undefined && { labels }),
    ...(submittedAfter !== undefined && { fromId: firstTaskIdAt(submittedAfter) }),
    ...(submittedBefore !== undefined && { belowId: firstTaskIdAt(submittedBefore) }),
  };
}
