import { z } from 'zod';
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
import { parseTaskId, type TaskId } from './task-id.ts';
import { statesNamed } from './task-state.ts';

/** What a page holds when the query does not say, and at most. */
export const pageLimit = { default: 100, most: 1000 } as const;

/**
 * The query parameters of a list of tasks. All of them are texts, and one that is given several times is a list of texts. A
 * parameter that is not known is refused: a misspelt filter would list everything.
 */
const mostWords = 32;
const labelRight = 'a label as key, or as key:value';

/** Given once or several times, each time one word or several with commas between them. */
const status = z
  .union([z.string(), z.array(z.string())], { error: statusRight })
  .transform((given) => [given].flat().flatMap((text) => text.split(',')))
  .refine((words) => words.length <= mostWords, { error: `at most ${mostWords} words`, abort: true })
  .refine((words) => words.every((word) => statesNamed(word) !== null), { error: statusRight })
  .transform(statesOf);

/** `key:value` or `key`; a key with a colon in it cannot be asked for in this way. */
const labels = z
  .union([z.string(), z.array(z.string())], { error: labelRight })
  .transform((given) => [given].flat())
  .refine((given) => given.length <= mostLabels, { error: `given at most ${mostLabels} times` })
  .transform((given, context) =>
    given.map((text): LabelCondition => {
      const colon = text.indexOf(':');
      const key = colon === -1 ? text : text.slice(0, colon);
      if (key === '') context.issues.push({ code: 'custom', message: labelRight, input: text });
      return { key, value: colon === -1 ? null : text.slice(colon + 1) };
    }),
  );

/** The plus sign of an offset, not encoded as it should be, arrives as a blank. */
const instant = z.preprocess(
  (text) => (typeof text === 'string' ? text.replace(/ (?=\d\d:\d\d$)/, '+') : text),
  instantMs(),
);

/** A page's size, in digits. */
export function limit(most: number) {
  const error = `an integer from 1 to ${most}`;
  return z
    .string({ error })
    .regex(/^\d{1,6}$/, { error })
    .transform(Number)
    .refine((n) => n >= 1 && n <= most, { error });
}

const cursorRight = 'a cursor as nextCursor gives it';

/** Where the page before ended; below it the next one goes on. */
export const cursor = z.string({ error: cursorRight }).transform((text, context): TaskId => {
  const id = parseTaskId(text);
  if (id !== null) return id;
  context.issues.push({ code: 'custom', message: cursorRight, input: text });
  return z.NEVER;
});

const members = {
  status: status
    .optional()
    .meta({ description: 'States by name or number, or waiting, live, ended; several with commas between them.' }),
  namePrefix: namePrefix().optional().meta({ description: 'What the name begins with, exactly.' }),
  label: labels.optional().meta({ description: 'key or key:value; may be repeated, then all of them must be there.' }),
  submittedAfter: instant.optional().meta({ description: 'Submitted at this instant or later.' }),
  submittedBefore: instant.optional().meta({ description: 'Submitted before this instant.' }),
  cursor: cursor.optional().meta({ description: 'nextCursor of the page before.' }),
  limit: limit(pageLimit.most)
    .optional()
    .meta({ description: `By default ${pageLimit.default}.` }),
} as const;

export const listTasksParameters: readonly string[] = Object.keys(members);

export const listTasksQuery = z
  .strictObject(members, {
    error: ({ code }) =>
      code === 'unrecognized_keys' ? `left out: the parameters here are ${listTasksParameters.join(', ')}` : 'a query',
  })
  .refine(isRange, { error: rangeRight, path: ['submittedBefore'] });
export type ListTasksQuery = z.output<typeof listTasksQuery>;
