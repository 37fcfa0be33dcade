import { z } from 'zod';
import { parseTaskId, type TaskId } from './task-id.ts';
import { TaskState } from './task-state.ts';

/**
 * The bodies of Juice's RabbitMQ messages. JSON with a version `v`; 64-bit ids travel as strings. A message is a hint:
 * a reader that meets a newer `v` leaves it, and the sweep behind its queue finds the truth in MongoDB.
 */
const taskId = z.string().transform((text, context): TaskId => {
  const id = parseTaskId(text);
  if (id === null) {
    context.issues.push({ code: 'custom', message: 'not a 64-bit integer', input: text });
    return z.NEVER;
  }
  return id;
});

const state = z.union(Object.values(TaskState).map((value) => z.literal(value)));

/** `juice.tasks`: these tasks were stored and wait to be scheduled. Several share a message under load. */
export const tasksSubmittedMessage = z.object({ v: z.literal(1), taskIds: z.array(taskId).min(1) });
export type TasksSubmittedMessage = z.output<typeof tasksSubmittedMessage>;

/** `juice.commands`: something for the leader to do; what exactly is in MongoDB. */
export const commandMessage = z.discriminatedUnion('kind', [
  z.object({ v: z.literal(1), kind: z.literal('kill'), taskIds: z.array(taskId).min(1) }),
  z.object({ v: z.literal(1), kind: z.literal('reconcile'), taskIds: z.array(taskId).min(1) }),
  z.object({ v: z.literal(1), kind: z.literal('tenant-changed'), tenantIds: z.array(z.string()).min(1) }),
]);
export type CommandMessage = z.output<typeof commandMessage>;

/** Kinds may be added without a new version: a reader ignores those it does not know. */
export const commandKinds: readonly string[] = commandMessage.options.map(({ shape }) => shape.kind.value);

/** `juice.events`, routing key `task.<state>.<tenant>`: a task changed its state. */
export const statusEventMessage = z.object({
  v: z.literal(1),
  taskId,
  tenantId: z.string(),
  seq: z.number().int(),
  status: state,
  attempt: z.number().int(),
  message: z.string(),
  reason: z.string().nullable(),
  atMs: z.number(),
  /** Whether the change left something to call back. */
  callback: z.boolean(),
});
export type StatusEvent = z.output<typeof statusEventMessage>;
