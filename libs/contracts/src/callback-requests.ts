import { z } from 'zod';
import { limit, pageLimit } from './list-tasks-query.ts';
import { closedObject, flag, integer, line, list, nonBlankLine } from './request-members.ts';
import { instantMs } from './task-filter.ts';
import { parseTaskId, type TaskId } from './task-id.ts';
import { tenantIdPattern, tenantIdRight } from './tenant-id.ts';

/**
 * What is asked about callbacks: by a tenant about its own, by an operator about everybody's, who may name a tenant. A member that
 * is misspelt is refused: a filter that is passed over would send more again than was meant.
 */

/** A callback, as its `webhook-id` names it; or all of a task's, by the task's id. */
export interface CallbackId {
  readonly taskId: TaskId;
  /** null: all of the task's. */
  readonly sequence: number | null;
}

export const callbackIdRight = 'a webhook-id as callbacks have it (<taskId>_<sequence>), or the id of a task';

/** null: it is none. */
export function parseCallbackId(text: string): CallbackId | null {
  const [, id = '', sequence] = /^(\d{1,19})(?:_(\d{1,9}))?$/.exec(text) ?? [];
  const taskId = parseTaskId(id);
  return taskId === null ? null : { taskId, sequence: sequence === undefined ? null : Number(sequence) };
}

/** A callback as its `webhook-id` names it. */
export function writeCallbackId({ taskId, sequence }: CallbackId): string {
  return sequence === null ? String(taskId) : `${taskId}_${sequence}`;
}

const callbackId = z.string({ error: callbackIdRight }).transform((text, context): TaskId => {
  const parsed = parseCallbackId(text);
  if (parsed !== null) return parsed.taskId;
  context.issues.push({ code: 'custom', message: callbackIdRight, input: text });
  return z.NEVER;
});

const originRight = 'the origin of a receiver, such as https://acme.example.com';
const isWebUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** A whole URL stands for its origin. */
const endpoint = line(originRight, 2048)
  .refine(isWebUrl, { error: originRight })
  .transform((text) => new URL(text).origin)
  .meta({ description: 'The receivers’ origin, or a URL that has it.' });

const groupRight = 'a group of dead callbacks, of 16 digits and letters from a to f';
const group = z
  .string({ error: groupRight })
  .regex(/^[0-9a-f]{16}$/, { error: groupRight })
  .meta({ description: 'Those with the same tenant, origin and cause, as dead-groups names them.' });

const causeRight = 'a word for a cause, such as status-503 or timeout-connect';
const cause = z
  .string({ error: causeRight })
  .regex(/^[a-z0-9-]{1,64}$/, { error: causeRight })
  .meta({ description: 'What they were given up for.' });

const tenant = z
  .string({ error: tenantIdRight })
  .regex(tenantIdPattern, { error: tenantIdRight })
  .meta({ description: 'The tenant whose they are.' });
const ofTenant = { tenant: tenant.optional() } as const;

const since = instantMs().meta({ format: 'date-time', description: 'Died at this instant or later.' });
const until = instantMs().meta({ format: 'date-time', description: 'Died before this instant.' });

const untilRight = 'later than since';
interface Range {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}
const isRange = ({ since: from, until: to }: Range): boolean => from === undefined || to === undefined || from < to;

const conditions = {
  endpoint: endpoint.optional(),
  cause: cause.optional(),
  since: since.optional(),
  until: until.optional(),
} as const;

const cursorRight = 'a cursor as nextCursor gives it';
const cursor = z
  .string({ error: cursorRight })
  .regex(/^[A-Za-z0-9_-]{1,2048}$/, { error: cursorRight })
  .meta({ description: 'nextCursor of the page before.' });
const page = {
  cursor: cursor.optional(),
  limit: limit(pageLimit.most)
    .optional()
    .meta({ description: `By default ${pageLimit.default}.` }),
} as const;

const dead = { group: group.optional(), ...conditions } as const;

/** The queries of GET …/callbacks/dead. */
export const deadQuery = closedObject({ ...dead, ...page }).refine(isRange, { error: untilRight, path: ['until'] });
export const adminDeadQuery = closedObject({ ...ofTenant, ...dead, ...page }).refine(isRange, {
  error: untilRight,
  path: ['until'],
});
export type DeadQuery = z.output<typeof adminDeadQuery>;

/** Groups are counted, so there is no going on behind the smallest of a page: how many are shown. */
const groupLimit = { default: 100, most: 500 } as const;
const shown = {
  limit: limit(groupLimit.most)
    .optional()
    .meta({ description: `How many, the largest first; by default ${groupLimit.default}.` }),
} as const;

/** The queries of GET …/callbacks/dead-groups. */
export const deadGroupsQuery = closedObject({ ...conditions, ...shown }).refine(isRange, {
  error: untilRight,
  path: ['until'],
});
export const adminDeadGroupsQuery = closedObject({ ...ofTenant, ...conditions, ...shown }).refine(isRange, {
  error: untilRight,
  path: ['until'],
});
export type DeadGroupsQuery = z.output<typeof adminDeadGroupsQuery>;
export const deadGroupsLimit = groupLimit.default;

/** How many a replay arms in a second when it does not say, and at most. */
export const replayRate = { default: 50, most: 1000 } as const;
/** More ids than this are what a filter is for. */
const mostIds = 1000;

const isGiven = (given: object): boolean => Object.values(given).some((value) => value !== undefined);
const filterRight = 'an object that says which dead callbacks are meant; {"all": true} for every one';

const filterMembers = { all: z.literal(true, { error: 'true, or left out' }).optional(), ...conditions } as const;

function saysSomething<S extends z.ZodType<Range & { readonly all?: true | undefined }>>(filter: S): S {
  return filter
    .refine(isGiven, { error: filterRight })
    .refine(({ all, ...others }) => all === undefined || !isGiven(others), {
      error: 'left out where the filter says more',
      path: ['all'],
    })
    .refine(isRange, { error: untilRight, path: ['until'] })
    .meta({ description: 'All of it must hold. {"all": true}: every dead callback.' });
}

const reason = nonBlankLine('a reason', 500).meta({ description: 'Why, for those who ask later.' });
const ids = list(callbackId, mostIds, 'webhook-ids or ids of tasks')
  .refine((given) => !Array.isArray(given) || given.length > 0, { error: 'a list of at least one id' })
  .meta({ description: 'webhook-ids, or ids of tasks, as texts: of each task all that is dead.' });
const ratePerSecond = integer(1, replayRate.most).meta({
  description: `How many are armed in a second at most; by default ${replayRate.default}.`,
});
const dryRun = flag().meta({ description: 'Counts and shows what would be sent again, and sends nothing.' });

const exactlyOne = 'exactly one of ids, group and filter says what is to be sent again';
const leftOut = `left out: ${exactlyOne}`;

function replayRequestOf<S extends z.ZodType<object>>(filter: S) {
  return closedObject({
    ids: ids.optional(),
    group: group.optional(),
    filter: filter.optional(),
    ratePerSecond: ratePerSecond.optional(),
    reason: reason.optional(),
    dryRun: dryRun.optional(),
  })
    .refine(({ ids, group, filter }) => isGiven({ ids, group, filter }), {
      error: `given: ${exactlyOne}`,
      path: ['filter'],
    })
    .refine(({ ids, group, filter }) => group === undefined || !isGiven({ ids, filter }), {
      error: leftOut,
      path: ['group'],
    })
    .refine(({ ids, filter }) => ids === undefined || filter === undefined, { error: leftOut, path: ['ids'] })
    .refine((given) => given.dryRun === true || given.reason !== undefined, {
      error: 'a reason: why these are sent again, for those who ask later',
      path: ['reason'],
    });
}

/** The bodies of POST …/callbacks/replays. */
export const replayRequest = replayRequestOf(saysSomething(closedObject(filterMembers)));
export const adminReplayRequest = replayRequestOf(saysSomething(closedObject({ ...filterMembers, ...ofTenant })));
export type ReplayRequest = z.output<typeof adminReplayRequest>;

/** The body of POST …/replays/{replayId}/pause, resume and cancel; it may be left out. */
export const replayWordRequest = closedObject({ reason: reason.optional() });

/** Of a page: replays by the id of the last one, endpoints by their names. */
export const replaysQuery = closedObject(page);
export const endpointsQuery = closedObject(page);
export const adminEndpointsQuery = closedObject({ ...ofTenant, ...page });

const reasonOfPause = { reason: reason.optional() } as const;
/** The bodies of POST …/callbacks/endpoints/pause and resume. */
export const pauseEndpointRequest = closedObject({ endpoint, ...reasonOfPause });
export const adminPauseEndpointRequest = closedObject({ tenant, endpoint, ...reasonOfPause });
export const resumeEndpointRequest = closedObject({ endpoint, ...reasonOfPause });
export const adminResumeEndpointRequest = closedObject({ tenant, endpoint, ...reasonOfPause });

const urlRight = 'a whole URL, with a host and without a fragment';
const url = line(urlRight, 2048)
  .refine((text) => !text.includes('#'), { error: urlRight })
  .meta({ description: 'Where to; as a callbackUrl is judged.' });
/** The bodies of POST …/callbacks/test. */
export const testCallbackRequest = closedObject({ url });
export const adminTestCallbackRequest = closedObject({ tenant, url });
