import { z } from 'zod';

/**
 * The bodies of the REST answers: the original's members first, additive ones after. An absent value is left out, as
 * the original's Gson does. 64-bit ids are exact JSON integers (a bigint here), with the same as a string beside them.
 */
export const taskId = z.bigint().meta({ type: 'integer', format: 'int64', description: 'Above 2^53: see taskIdStr.' });
export const taskIdStr = z.string().meta({ description: 'taskId as a string, for clients whose numbers are doubles.' });

/** The original's way to write an instant: `Dec 8, 2016 3:58:29 PM`, in the configured zone, which it does not name. */
const dateText = z.string().meta({ examples: ['Dec 8, 2016 3:58:29 PM'] });
export const instant = z.string().meta({ format: 'date-time' });

export const submittedTask = z.object({ taskId, taskIdStr });
export type SubmittedTask = z.output<typeof submittedTask>;

/** One attempt to run a task. */
export const taskAttempt = z.object({
  /** 1, 2, …: the task's `attempt` at that time. */
  number: z.number().int(),
  agentHost: z.string(),
  /** `launching`, `running`, `unreachable`, or Mesos' name of the state it ended with. */
  state: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  launchedAt: instant,
  startedAt: instant.optional(),
  endedAt: instant.optional(),
  exitCode: z.number().int().optional(),
  /** Once it has failed: whether the failure was the cluster's (`free`) or used up a retry (`counted`). */
  failure: z.enum(['free', 'counted']).optional(),
});
export type TaskAttempt = z.output<typeof taskAttempt>;

export const taskEntry = z.object({
  taskId,
  taskName: z.string(),
  tenantId: z.string(),
  dockerImage: z.string().optional(),
  commands: z.string().optional().meta({ description: 'As a shell reads it, also where a list was given.' }),
  taskStatus: z.number().int(),
  message: z.string(),
  callbackAt: dateText.optional(),
  callbackUrl: z.string().optional(),
  submitAt: dateText,
  finishAt: dateText.optional(),
  agentId: z.string().optional(),
  agentHost: z.string().optional(),
  retry: z.number().int(),
  taskIdStr,
  taskStatusName: z.string(),
  reason: z.string().optional(),
  attempt: z.number().int(),
  exitCode: z.number().int().optional(),
  attempts: z.array(taskAttempt).meta({ description: 'The last 20 attempts, oldest first.' }),
  sequence: z.number().int(),
  submittedAt: instant,
  startedAt: instant.optional(),
  finishedAt: instant.optional(),
  callbackDeliveredAt: instant.optional(),
  callbackState: z
    .enum(['idle', 'pending', 'leased', 'held', 'dead'])
    .optional()
    .meta({ description: 'Whether anything is still to be called back; held and dead are not tried any more.' }),
  callbackCause: z.string().optional().meta({ description: 'Why the last try failed.' }),
  argv: z.array(z.string()).optional().meta({ description: 'The program and its arguments, where a list was given.' }),
  labels: z.record(z.string(), z.string()).optional(),
  rerunOf: taskId.optional().meta({ description: 'The task that this one repeats.' }),
  rerunOfStr: taskIdStr.optional(),
});
export type TaskEntry = z.output<typeof taskEntry>;

export const killAnswer = z.object({
  submitKill: z.boolean(),
  resultMessage: z.string(),
  currentStatus: z.number().int(),
  /** SDK 1.1's name for `submitKill`. */
  submitTask: z.boolean(),
  taskId,
  taskIdStr,
});
export type KillAnswer = z.output<typeof killAnswer>;

export const reconcileAnswer = z.object({
  request: z.number().int(),
  reconcile: z.number().int(),
  reconciles: z.array(z.object({ taskId, reconciled: z.boolean(), message: z.string(), taskIdStr })),
});
export type ReconcileAnswer = z.output<typeof reconcileAnswer>;

/** `data` of an event of a stream (`event: task.<state>`): a transition of a task. */
export const taskEventData = z.object({
  taskId,
  taskIdStr,
  sequence: z.number().int().meta({ description: 'Grows by one with every transition of the task.' }),
  taskStatus: z.number().int(),
  taskStatusName: z.string(),
  attempt: z.number().int(),
  message: z.string(),
  reason: z.string().optional(),
  at: instant,
});
export type TaskEventData = z.output<typeof taskEventData>;

/** `data` of the event `end`, the last of a task's stream. */
export const streamEndData = taskEventData.pick({
  taskId: true,
  taskIdStr: true,
  sequence: true,
  taskStatus: true,
  taskStatusName: true,
});
export type StreamEndData = z.output<typeof streamEndData>;

/** `data` of the event `reset`: the stream could not go on where it was to. */
export const streamResetData = z.object({ lastEventId: z.string(), message: z.string() });
export type StreamResetData = z.output<typeof streamResetData>;

/** One thing that is wrong with a request. */
export const problemDetail = z.object({
  /** Where: a header, a query parameter, or a path into the body such as `container.docker.image`. */
  member: z.string(),
  code: z.number().int(),
  message: z.string(),
  /** The value that was met, shortened; left out where it may be a secret. */
  value: z.string().optional(),
  /** The machine policy that refuses it. */
  policy: z.string().optional(),
});
export type ProblemDetail = z.output<typeof problemDetail>;

/** Every answer that is not a success, whatever its HTTP status. */
export const failureAnswer = z.object({
  status: z.number().int().negative(),
  message: z.string(),
  details: z.array(problemDetail).optional(),
  requestId: z.string(),
});
export type FailureAnswer = z.output<typeof failureAnswer>;

/** A success: the data in the original's envelope. */
export function successAnswer<S extends z.ZodType>(data: S) {
  return z.object({ status: z.literal(0), message: z.literal('OK'), data });
}
