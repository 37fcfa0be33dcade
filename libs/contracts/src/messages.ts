import { z } from 'zod';
import { parseTaskId, type TaskId } from './task-id.ts';
import { TaskState } from './task-state.ts';

/**
 * The bodies of Juice's RabbitMQ messages. JSON with a version `v`; 64-bit ids travel as strings. A message is a hint, which
 * makes its reader look in MongoDB: so one of a newer version is read by whoever finds in it what he looks for, and what
 * else it has is passed over. What cannot be read goes to `juice.poison`, from where it can be put back for a newer reader;
 * meanwhile the sweep behind its queue finds the truth.
 */
const version = z.int().min(1);
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
export const tasksSubmittedMessage = z.object({ v: version, taskIds: z.array(taskId).min(1) });
export type TasksSubmittedMessage = z.output<typeof tasksSubmittedMessage>;

/** `juice.commands`: something for the leader to do; what exactly is in MongoDB. */
export const commandMessage = z.discriminatedUnion('kind', [
  z.object({ v: version, kind: z.literal('kill'), taskIds: z.array(taskId).min(1) }),
  z.object({ v: version, kind: z.literal('reconcile'), taskIds: z.array(taskId).min(1) }),
  z.object({ v: version, kind: z.literal('tenant-changed'), tenantIds: z.array(z.string()).min(1) }),
  z.object({ v: version, kind: z.literal('switches-changed') }),
]);
export type CommandMessage = z.output<typeof commandMessage>;

/** Kinds may be added without a new version: to a reader that does not know one it is a message that cannot be read. */
export const commandKinds: readonly string[] = commandMessage.options.map(({ shape }) => shape.kind.value);

/** `juice.events`, routing key `task.<state>.<tenant>`: a task changed its state. */
export const statusEventMessage = z.object({
  v: version,
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
