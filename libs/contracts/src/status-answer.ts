import { z } from 'zod';
import { serviceNames } from './service-process.ts';
import { switchAnswer } from './switches.ts';
import { instant } from './task-answers.ts';
import { clusterView } from './why-answers.ts';

/** The system in one answer. A part that could not be asked has `problem`, and what is known of it all the same. */
const count = z.number().int();
const version = z.string().meta({ description: 'Of Juice.' });
const problem = z.string().optional().meta({ description: 'Why it could not be asked; absent: it could.' });

export const statusAnswer = z.object({
  asOf: instant,
  api: z.object({ host: z.string(), since: instant, version: version.optional(), node: z.string() }).meta({
    description: 'The process that answers; there may be more.',
  }),
  processes: z
    .object({
      problem,
      count: count.optional().meta({ description: 'How many there are; at most 200 are listed.' }),
      processes: z
        .array(
          z.object({
            service: z.enum(serviceNames),
            host: z.string().meta({ description: 'Its name of itself; of a scheduler JUICE_PUBLIC_HOST.' }),
            version,
            node: z.string(),
            since: instant,
            seenAt: instant.meta({ description: 'When it last said so; it does about every half a minute.' }),
          }),
        )
        .optional(),
    })
    .optional()
    .meta({ description: 'All that have said within 90 seconds that they run; a standalone is three.' }),
  scheduler: z.object({
    problem,
    leader: z
      .object({
        host: z.string().meta({ description: 'JUICE_PUBLIC_HOST of the scheduler that leads, by the lease.' }),
        epoch: count,
        since: instant.optional().meta({ description: 'Absent while it does not answer.' }),
      })
      .optional()
      .meta({ description: 'Absent: none leads.' }),
    waiting: count.optional(),
    pausing: count.optional(),
    running: count.optional(),
    cluster: clusterView.optional(),
  }),
  queues: z.object({
    problem,
    queues: z.array(z.object({ queue: z.string(), messages: count, consumers: count })).optional(),
  }),
  callbacks: z.object({
    problem,
    pending: count.optional(),
    held: count.optional(),
    dead: count.optional(),
  }),
  endpoints: z.object({
    problem,
    open: count.optional().meta({ description: 'With an open breaker, of the first thousand out of the ordinary.' }),
    paused: count.optional(),
    gone: count.optional(),
    examples: z.array(z.string()).optional().meta({ description: 'Some of these: the tenant and the origin.' }),
  }),
  switches: z.object({
    problem,
    on: z.array(switchAnswer).optional(),
  }),
});
export type StatusAnswer = z.output<typeof statusAnswer>;
