import { afterEach, beforeEach } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import type { TaskStore } from '../src/index.ts';
import { idAt, newTask, tenant } from './sample-tasks.ts';

export interface MadeTaskStore {
  readonly tasks: TaskStore;
  close(): Promise<void>;
}

type FoundTask = Awaited<ReturnType<TaskStore['findTasks']>>[number];

export interface UsedTaskStore {
  /** The test's own, empty at its beginning. */
  readonly tasks: TaskStore;
  /** The sample tenant's task of this id; rejects when it is not there. */
  one(taskId: TaskId): Promise<FoundTask>;
  /** Stores plain sample tasks at these places. */
  insert(...places: number[]): ReturnType<TaskStore['insertTasks']>;
}

/** A new store for each test of the suite that calls this; closed after it. */
export function useTaskStore(make: () => Promise<MadeTaskStore>): UsedTaskStore {
  let made: MadeTaskStore;
  beforeEach(async () => {
    made = await make();
  });
  afterEach(() => made.close());

  return {
    get tasks() {
      return made.tasks;
    },
    async one(taskId) {
      const [found] = await made.tasks.findTasks(tenant, [taskId]);
      if (found === undefined) throw new Error(`task ${taskId} is not there`);
      return found;
    },
    insert: (...places) => made.tasks.insertTasks(places.map((place) => newTask(idAt(place)))),
  };
}
