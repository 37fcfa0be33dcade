import { z } from 'zod';
import { limit, pageLimit } from './list-tasks-query.ts';
import { closedObject } from './request-members.ts';

/** A place in the log of a task's callbacks: a try that was listed. */
export interface TryPlace {
  readonly startedAtMs: number;
  /** Of the state that was called back. */
  readonly seq: number;
  readonly try: number;
}

export function writeTryCursor({ startedAtMs, seq, try: nth }: TryPlace): string {
  return `${startedAtMs}.${seq}.${nth}`;
}

const right = 'a cursor as nextCursor gives it';

const cursor = z
  .string({ error: right })
  .regex(/^\d{1,15}\.\d{1,9}\.\d{1,9}$/, { error: right })
  .transform((text): TryPlace => {
    const [startedAtMs = 0, seq = 0, nth = 0] = text.split('.').map(Number);
    return { startedAtMs, seq, try: nth };
  });

/** The query parameters of GET /v1/tasks/{taskId}/callbacks. */
export const taskCallbacksQuery = closedObject({
  cursor: cursor.optional().meta({ description: 'nextCursor of the page before.' }),
  limit: limit(pageLimit.most)
    .optional()
    .meta({ description: `By default ${pageLimit.default}.` }),
});
