import { z } from 'zod';
import { cursor } from './list-tasks-query.ts';
import { closedObject, flag, integer, list } from './request-members.ts';
import {
  instantMs,
  isRange,
  mostLabels,
  namePrefix,
  rangeRight,
  statesOf,
  statusRight,
  type LabelCondition,
} from './task-filter.ts';
import { statesNamed } from './task-state.ts';

/**
 * The body of POST /v1/tasks/kill that chooses by a filter. Nothing in it is taken for something else: a member that is
 * misspelt or null, or a filter that says nothing, would kill more than was meant.
 */

/** How many are killed by one request when it does not say, and at most. */
export const killLimit = { default: 1000, most: 10_000 } as const;

const labelText = z.string({ error: 'a string' }).max(256, { error: 'a string of at most 256 characters' });
const labelKey = labelText.min(1, { error: 'a label’s key' });
const tooMany = `an object, or a list {key, value}, of 1 to ${mostLabels} labels`;
const isSome = (list: unknown): boolean => !Array.isArray(list) || list.length > 0;

const byKey = z
  .record(labelKey, labelText, { error: tooMany })
  .transform((labels) => Object.entries(labels).map(([key, value]): LabelCondition => ({ key, value })))
  .refine((labels) => labels.length > 0 && labels.length <= mostLabels, { error: tooMany });
const byCondition = list(
  closedObject({ key: labelKey, value: labelText.optional() }),
  mostLabels,
  'labels {key, value}',
)
  .transform((labels) => labels.map(({ key, value = null }): LabelCondition => ({ key, value })))
  .refine(isSome, { error: tooMany });

const mostWords = 32;
const word = z
  .union([z.string(), z.number()], { error: statusRight })
  .refine((given) => statesNamed(given) !== null, { error: statusRight });
const status = z
  .union([word, list(word, mostWords, 'statuses').refine(isSome, { error: 'a list of at least one status' })])
  .transform((given) => statesOf([given].flat()));

const filterMembers = {
  all: z.literal(true, { error: 'true, or left out' }).optional(),
  status: status.optional(),
  namePrefix: namePrefix().optional(),
  labels: z.union([byKey, byCondition], { error: tooMany }).optional(),
  submittedAfter: instantMs().optional(),
  submittedBefore: instantMs().optional(),
};

const filter = closedObject(filterMembers)
  .refine((given) => Object.values(given).some((value) => value !== undefined), {
    error: 'an object that says which tasks to kill; {"all": true} for every one that has not ended',
  })
  .refine(({ all, ...others }) => all === undefined || Object.values(others).every((value) => value === undefined), {
    error: 'left out where the filter says more',
    path: ['all'],
  })
  .refine(isRange, { error: rangeRight, path: ['submittedBefore'] });

export const killRequest = closedObject({
  filter: filter.meta({ description: 'All of it must hold. {"all": true}: every task that has not ended.' }),
  dryRun: flag().optional().meta({ description: 'Counts and shows what would be killed, and kills nothing.' }),
  limit: integer(1, killLimit.most)
    .optional()
    .meta({ description: `How many are killed at most; by default ${killLimit.default}.` }),
  cursor: cursor.optional().meta({ description: 'nextCursor of the answer before: goes on with older tasks.' }),
});
/** Beside them there is no body, and beside a filter no query: what would mean the other form is refused, for a kill cannot be taken back. */
export const killIdsQuery = closedObject({ taskIds: z.unknown() });
export type KillRequest = z.output<typeof killRequest>;
