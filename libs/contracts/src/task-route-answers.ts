import { z } from 'zod';
import { instant, killAnswer, problemDetail, taskAttempt, taskEntry, taskId, taskIdStr } from './task-answers.ts';

/** The bodies of the answers of the additive task routes; as in those of the original, what there is none of is left out. */

const nextCursor = z
  .string()
  .optional()
  .meta({ description: 'Where to go on: the cursor of the next request. Absent when there is nothing more.' });

/** An entry of a list: without its attempts, which one task's own route has. */
export const taskListEntry = taskEntry.omit({ attempts: true });
export type TaskListEntry = z.output<typeof taskListEntry>;

export const taskListAnswer = z.object({
  tasks: z.array(taskListEntry).meta({ description: 'The newest first.' }),
  nextCursor: nextCursor.meta({
    description:
      'The cursor of the next page. A page may hold less than was asked for, even nothing, and have one: the search goes on there.',
  }),
});
export type TaskListAnswer = z.output<typeof taskListAnswer>;

/** One change of a task's state. */
export const timelineEntry = z.object({
  sequence: z.number().int(),
  taskStatus: z.number().int(),
  taskStatusName: z.string(),
  at: instant,
  attempt: z.number().int().meta({ description: 'The attempt it is about; 0: none.' }),
  message: z.string(),
  reason: z.string().optional(),
});

/** What was submitted, with its defaults, in the words of a submission. */
export const shownSpec = z
  .record(z.string(), z.unknown())
  .meta({ description: 'The task as it could be submitted again. Of a secret variable the value is left out.' });

export const taskDetail = taskEntry.extend({
  attempts: z.array(taskAttempt).meta({ description: 'Every attempt, oldest first.' }),
  timeline: z.array(timelineEntry).meta({
    description:
      'The submission and the last 50 changes of state, oldest first; a gap in sequence shows what is left out.',
  }),
  spec: shownSpec,
});
export type TaskDetail = z.output<typeof taskDetail>;

/** One try to call a state back. */
export const callbackTry = z.object({
  sequence: z.number().int().meta({ description: 'The state that was called back.' }),
  taskStatus: z.number().int(),
  taskStatusName: z.string(),
  try: z.number().int().meta({ description: '1 for the first try of this state.' }),
  url: z.string(),
  startedAt: instant,
  durationMs: z.number(),
  outcome: z.enum(['delivered', 'failed', 'rejected']),
  httpStatus: z.number().int().optional(),
  cause: z.string().optional(),
  detail: z.string().optional().meta({ description: 'The error, or the beginning of what was answered.' }),
  phases: z.record(z.string(), z.number()).meta({ description: 'Milliseconds until each phase was over.' }),
});

export const taskCallbacksAnswer = z.object({
  taskId,
  taskIdStr,
  lane: z
    .object({
      url: z.string(),
      events: z.enum(['all', 'terminal']),
      state: z.enum(['idle', 'pending', 'leased', 'held', 'dead']),
      pending: z.array(timelineEntry).meta({ description: 'States still to be called back, in their order.' }),
      dueAt: instant.optional().meta({ description: 'When the next try is due.' }),
      tries: z.number().int().meta({ description: 'How often the first of them was tried.' }),
      cause: z.string().optional(),
      superseded: z.number().int().meta({ description: 'States that newer ones have overtaken.' }),
    })
    .optional()
    .meta({ description: 'Absent when the task has no callback URL.' }),
  tries: z.array(callbackTry).meta({ description: 'The newest first.' }),
  nextCursor,
});
export type TaskCallbacksAnswer = z.output<typeof taskCallbacksAnswer>;

/** What is wrong with one item of a request. */
const itemError = z.object({
  status: z.number().int().negative(),
  message: z.string(),
  details: z.array(problemDetail).optional(),
});

export const refusedItem = z.object({ index: z.number().int(), error: itemError });
export type RefusedItem = z.output<typeof refusedItem>;
const storedItem = z.object({ index: z.number().int(), taskId, taskIdStr });

export const batchAnswer = z.object({
  results: z.array(z.union([storedItem, refusedItem])).meta({ description: 'One for each task, in their order.' }),
  stored: z.number().int().meta({ description: 'How many were stored.' }),
});
export type BatchAnswer = z.output<typeof batchAnswer>;

export const rerunAnswer = z.object({ taskId, taskIdStr, rerunOf: taskId, rerunOfStr: taskIdStr });
export type RerunAnswer = z.output<typeof rerunAnswer>;

/** As the answer of one kill; of a task that this tenant does not have there is no status. */
export const killResult = killAnswer.extend({ currentStatus: z.number().int().optional() });
export type KillResult = z.output<typeof killResult>;

export const killManyAnswer = z.object({
  results: z.array(killResult).meta({ description: 'One for each id, in their order.' }),
  killed: z.number().int().meta({ description: 'How many kills were taken.' }),
});
export type KillManyAnswer = z.output<typeof killManyAnswer>;

const isComplete = z
  .boolean()
  .meta({ description: 'false: not every task has been looked at; nextCursor goes on with older ones.' });
const sampleEntry = z.object({ taskId, taskIdStr, taskName: z.string(), taskStatus: z.number().int() });
const sample = z.array(sampleEntry).meta({ description: 'The newest of them, as they were before.' });

export const killDryRunAnswer = z.object({
  dryRun: z.literal(true),
  matched: z.number().int().meta({ description: 'How many would be killed, the limit left aside.' }),
  isComplete,
  sample,
  nextCursor,
});
export type KillDryRunAnswer = z.output<typeof killDryRunAnswer>;

export const killByFilterAnswer = z.object({
  dryRun: z.literal(false),
  killed: z.number().int().meta({ description: 'How many kills were taken.' }),
  remaining: z.number().int().meta({ description: 'How many more match, older than those.' }),
  isComplete,
  sample,
  nextCursor,
});
export type KillByFilterAnswer = z.output<typeof killByFilterAnswer>;
