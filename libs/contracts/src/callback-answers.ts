import { z } from 'zod';
import { instant, taskId, taskIdStr } from './task-answers.ts';
import { callbackTry, taskCallbacksAnswer, timelineEntry } from './task-route-answers.ts';

/** The bodies of the answers about callbacks; what there is none of is left out. */

const nextCursor = z
  .string()
  .optional()
  .meta({ description: 'Where to go on: the cursor of the next request. Absent when there is nothing more.' });

const tenant = z.string().meta({ description: 'The tenant whose it is.' });
const endpoint = z.string().meta({ description: 'The receiver’s origin.' });
const cause = z.string().meta({ description: 'A word of a small set: status-503, timeout-connect, …' });
const causeText = z.string().meta({ description: 'The same for people.' });
const group = z.string().meta({ description: 'Those with the same tenant, origin and cause have the same.' });

export const deadCallback = z.object({
  callbackId: z.string().meta({ description: 'Its webhook-id: of the oldest state that is not delivered.' }),
  taskId,
  taskIdStr,
  taskName: z.string(),
  tenant,
  url: z.string(),
  endpoint,
  taskStatus: z.number().int(),
  taskStatusName: z.string(),
  group,
  cause,
  causeText,
  diedAt: instant,
  tries: z.number().int().meta({ description: 'How often it was tried.' }),
  pending: z.number().int().meta({ description: 'States of the task that are not delivered.' }),
});
export type DeadCallback = z.output<typeof deadCallback>;

export const deadAnswer = z.object({ dead: z.array(deadCallback), nextCursor });
export type DeadAnswer = z.output<typeof deadAnswer>;

const deadGroup = z.object({
  group,
  tenant,
  endpoint,
  cause,
  causeText,
  count: z.number().int(),
  firstAt: instant,
  lastAt: instant,
  sample: z.array(z.string()).meta({ description: 'The ids of the oldest and the newest task of them.' }),
});

export const deadGroupsAnswer = z.object({
  groups: z.array(deadGroup).meta({ description: 'The largest first.' }),
  isComplete: z.boolean().meta({ description: 'false: there are smaller ones that are not shown.' }),
});
export type DeadGroupsAnswer = z.output<typeof deadGroupsAnswer>;

const replayStates = ['running', 'paused', 'delivering', 'done', 'cancelled'] as const;

export const replayAnswer = z.object({
  replayId: z.string(),
  tenant: z.string().optional().meta({ description: 'The tenant that has made it; absent: an operator has.' }),
  by: z.string(),
  reason: z.string(),
  choice: z
    .object({
      ids: z.number().int().optional().meta({ description: 'So many that were named.' }),
      group: group.optional(),
      tenant: tenant.optional(),
      endpoint: endpoint.optional(),
      cause: cause.optional(),
      since: instant.optional(),
      until: instant.optional(),
    })
    .meta({ description: 'What is meant: of this, what was dead when it was made.' }),
  ratePerSecond: z.number().int(),
  state: z.enum(replayStates).meta({
    description:
      'delivering: all are armed. done: each was delivered or has died again. cancelled: what is armed stays so.',
  }),
  selected: z.number().int().meta({ description: 'How many were meant when it was made.' }),
  replayed: z.number().int().meta({ description: 'Armed: with all their tries before them again.' }),
  skipped: z.number().int().meta({ description: 'No longer dead when their turn came.' }),
  delivered: z.number().int().meta({ description: 'Of those armed.' }),
  failedAgain: z.number().int().meta({ description: 'Of those armed: dead once more.' }),
  waiting: z.number().int().meta({ description: 'Of those armed: still to be delivered.' }),
  createdAt: instant,
  endedAt: instant.optional().meta({ description: 'Absent while some of it may still change.' }),
  words: z
    .array(
      z.object({
        action: z.enum(['create', 'pause', 'resume', 'cancel']),
        at: instant,
        by: z.string(),
        reason: z.string().optional(),
      }),
    )
    .meta({ description: 'Who has said what to it, the oldest first.' }),
});
export type ReplayAnswer = z.output<typeof replayAnswer>;

export const replayDryRunAnswer = z.object({
  dryRun: z.literal(true),
  matched: z.number().int().meta({ description: 'How many would be sent again.' }),
  sample: z.array(deadCallback),
});
export type ReplayDryRunAnswer = z.output<typeof replayDryRunAnswer>;

export const replaysAnswer = z.object({
  replays: z.array(replayAnswer).meta({ description: 'The newest first.' }),
  nextCursor,
});
export type ReplaysAnswer = z.output<typeof replaysAnswer>;

export const endpointConditions = ['paused', 'gone', 'waiting', 'open', 'half-open', 'free'] as const;
export type EndpointCondition = (typeof endpointConditions)[number];

export const endpointAnswer = z.object({
  tenant,
  endpoint,
  condition: z.enum(endpointConditions).meta({
    description:
      'paused: by somebody. gone: it has said 410. waiting: it has asked for time. open: it failed too often; half-open: it is being tried. free: it is called.',
  }),
  summary: z.string().meta({ description: 'The same in a sentence.' }),
  until: instant.optional().meta({ description: 'When it is called or tried again.' }),
  pausedBy: z.string().optional(),
  pausedAt: instant.optional(),
  reason: z.string().optional().meta({ description: 'Of a pause: why. Otherwise what failed last.' }),
  changedAt: instant.optional(),
});
export type EndpointAnswer = z.output<typeof endpointAnswer>;

export const endpointsAnswer = z.object({
  endpoints: z.array(endpointAnswer).meta({ description: 'Those that are, or lately were, out of the ordinary.' }),
  nextCursor,
});
export type EndpointsAnswer = z.output<typeof endpointsAnswer>;

export const shownCallback = taskCallbacksAnswer.omit({ nextCursor: true }).extend({
  tenant,
  taskName: z.string(),
  dead: z
    .object({ group, cause, causeText, diedAt: instant })
    .optional()
    .meta({ description: 'Of a callback that was given up.' }),
  replayId: z.string().optional().meta({ description: 'The replay that has armed it last.' }),
  tries: z.array(callbackTry).meta({ description: 'The newest 50, the newest first.' }),
});
export type ShownCallback = z.output<typeof shownCallback>;

export const callbackWhys = [
  'no-callback',
  'nothing-yet',
  'delivered',
  'superseded',
  'due',
  'backing-off',
  'in-flight',
  'endpoint-busy',
  'endpoint-paused',
  'endpoint-gone',
  'endpoint-waits',
  'endpoint-open',
  'dead',
] as const;
export type CallbackWhy = (typeof callbackWhys)[number];

export const callbackExplanation = z.object({
  callbackId: z.string().optional().meta({ description: 'The callback it is about; absent when there is none yet.' }),
  taskId,
  taskIdStr,
  asOf: instant,
  why: z.enum(callbackWhys),
  summary: z.string().meta({ description: 'All of it in a sentence.' }),
  state: timelineEntry.optional().meta({ description: 'The state that is to be called back next.' }),
  behind: z.number().int().optional().meta({ description: 'The sequence that must be delivered before.' }),
  nextAttemptAt: instant.optional().meta({ description: 'Absent: not by itself.' }),
  tries: z.number().int().optional().meta({ description: 'How often that state was tried.' }),
  triesLeft: z.number().int().optional().meta({ description: 'How often it will be, unless it is taken.' }),
  lastCause: z.string().optional(),
  endpoint: endpointAnswer.optional(),
  dead: z.object({ group, cause, causeText, diedAt: instant }).optional(),
  replayId: z.string().optional(),
});
export type CallbackExplanation = z.output<typeof callbackExplanation>;

const callbackTestPhases = ['url', 'lookup', 'connect', 'tls', 'response'] as const;

export const callbackTestAnswer = z.object({
  url: z.string(),
  webhookId: z.string().meta({ description: 'Of the event that was sent: test_….' }),
  outcome: z.enum(['delivered', 'failed', 'rejected', 'gone', 'forbidden', 'ours']).meta({
    description: 'As of a callback: delivered is a 2xx.',
  }),
  cause: z.string().optional().meta({ description: 'Why it was not delivered.' }),
  summary: z.string().meta({ description: 'In a sentence, with what to do about it.' }),
  phases: z
    .array(
      z.object({
        phase: z.enum(callbackTestPhases),
        ok: z.boolean(),
        durationMs: z.number().optional().meta({ description: 'Absent: it was not gone through.' }),
      }),
    )
    .meta({ description: 'In their order, up to the one that failed.' }),
  durationMs: z.number(),
  httpStatus: z.number().int().optional(),
  headers: z.record(z.string(), z.string()).meta({ description: 'Some of the answer’s.' }),
  body: z.string().optional().meta({ description: 'The first 1,024 bytes of the answer’s body.' }),
  signatures: z.number().int().meta({ description: 'How many secrets have signed it.' }),
  worker: z.string().meta({ description: 'The callback worker that has sent it.' }),
});
export type CallbackTestAnswer = z.output<typeof callbackTestAnswer>;
