import { z } from 'zod';
import { limit } from './list-tasks-query.ts';
import { closedObject, integer, nonBlankLine } from './request-members.ts';
import { instant } from './task-answers.ts';

/** Messages of the broker that could not be used: what operators see of them, and may say. */

/** A look costs the broker a round trip for each. */
export const poisonLimit = { default: 20, most: 100 } as const;
/** A redrive two. */
export const redriveLimit = { default: 100, most: 1000 } as const;

/** The query of GET /v1/admin/poison. */
export const poisonQuery = closedObject({
  limit: limit(poisonLimit.most)
    .optional()
    .meta({ description: `How many are shown, the oldest first; by default ${poisonLimit.default}.` }),
});

/** The body of POST /v1/admin/poison/redrive. */
export const redriveRequest = closedObject({
  limit: integer(1, redriveLimit.most)
    .optional()
    .meta({ description: `How many at most, the oldest first; by default ${redriveLimit.default}.` }),
  reason: nonBlankLine('a reason', 500).meta({ description: 'Why, for those who ask later.' }),
});

const poisonMessage = z.object({
  queue: z.string().optional().meta({ description: 'The queue it comes from; absent: it is not known.' }),
  reason: z
    .string()
    .optional()
    .meta({ description: 'rejected: a consumer could not use it. delivery_limit: it was tried too often.' }),
  at: instant.optional(),
  bytes: z.number().int(),
  start: z.string().meta({ description: 'The first 1,000 bytes of its body; in base64 when it is no text.' }),
});

export const poisonAnswer = z.object({
  count: z.number().int().meta({ description: 'How many there are.' }),
  messages: z.array(poisonMessage).meta({ description: 'The oldest first; they stay where they are.' }),
});
export type PoisonAnswer = z.output<typeof poisonAnswer>;

export const redriveAnswer = z.object({
  redriven: z.number().int().meta({ description: 'How many are in the queues again that they came from.' }),
  left: z.number().int().meta({ description: 'How many were left, since it is not known where they came from.' }),
});
export type RedriveAnswer = z.output<typeof redriveAnswer>;
