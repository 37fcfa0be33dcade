import type { TaskId, RetentionOptions } from '@juice/contracts';
import { createCallbackTests, type CallbackTests } from './callback-tests.ts';
import { tasksOf } from './collections.ts';
import type { MongoConnection } from './connection.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import { createEndpointStore, type EndpointStore } from './endpoint-store.ts';
import { attempt } from './mongo-failure.ts';
import { createReplayStore, type ReplayStore } from './replay-store.ts';
import type { TaskRecord } from './task-record.ts';

/** A task as its callbacks are seen. */
export type CalledBackRecord = Pick<TaskRecord, '_id' | 'tenantId' | 'taskName' | 'status' | 'callback' | 'callbackAt'>;

/** What is known of callbacks and may be asked for, for who serves people. */
export interface CallbackStores {
  readonly deadLetters: DeadLetters;
  readonly replays: ReplayStore;
  readonly endpoints: EndpointStore;
  readonly tests: CallbackTests;
  /** The task's; null: there is none, or (unless it is null) it is not this tenant's. Throws DependencyFailure. */
  findLane(tenantId: string | null, taskId: TaskId): Promise<CalledBackRecord | null>;
}

const projection = { tenantId: 1, taskName: 1, status: 1, callback: 1, callbackAt: 1 } as const;

export function createCallbackStores(conn: MongoConnection, options: RetentionOptions = {}): CallbackStores {
  const tasks = tasksOf(conn);
  return {
    deadLetters: createDeadLetters(conn),
    replays: createReplayStore(conn, options),
    endpoints: createEndpointStore(conn),
    tests: createCallbackTests(conn),
    findLane: (tenantId, taskId) =>
      attempt('find lane', () =>
        tasks.findOne<CalledBackRecord>({ _id: taskId, ...(tenantId !== null && { tenantId }) }, { projection }),
      ),
  };
}
