import { z } from 'zod';
import { closedObject, flag, list } from './request-members.ts';

/** So many are judged and stored while a client waits. */
export const mostBatchTasks = 1000;

/** The body of POST /v1/tasks/batch; each task is judged by itself, as the body of a submission. */
export const batchRequest = closedObject({
  tasks: list(z.unknown(), mostBatchTasks, 'tasks, and at least one')
    .refine(({ length }) => length > 0, { error: 'a list of at least one task' })
    .meta({ description: 'Each as the body of POST /v1/tasks.' }),
  allOrNothing: flag().optional().meta({ description: 'Stores nothing unless all of them are valid.' }),
});
export type BatchRequest = z.output<typeof batchRequest>;
