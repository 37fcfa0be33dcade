import { z } from 'zod';
import { closedObject, word } from './request-members.ts';

const mostBytes = Number.MAX_SAFE_INTEGER;

function whole(least: number, right: string) {
  return z
    .string({ error: right })
    .regex(/^-?\d{1,15}$/, { error: right })
    .transform(Number)
    .refine((value) => value >= least && value <= mostBytes, { error: right });
}

export const logStreams = ['stdout', 'stderr'] as const;
export type LogStream = (typeof logStreams)[number];

/** The query parameters of GET /v1/tasks/{taskId}/logs/{stream}. */
export const taskLogsQuery = closedObject({
  attempt: whole(1, 'the number of an attempt: 1 or more')
    .optional()
    .meta({ description: 'Whose output; by default that of the last attempt.' }),
  offset: whole(-mostBytes, 'an integer: the first byte, or, when negative, how many of the last ones')
    .optional()
    .meta({ description: 'The first byte; negative: so many of the last ones. By default 0.' }),
  length: whole(0, 'a number of bytes: 0 or more')
    .optional()
    .meta({ description: 'The most bytes to answer; by default all that there are.' }),
  follow: word(['true', 'false'])
    .transform((given) => given === 'true')
    .optional()
    .meta({ description: 'Go on with what is written, until the attempt has ended.' }),
});
