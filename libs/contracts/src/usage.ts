import { z } from 'zod';
import { closedObject } from './request-members.ts';
import { tenantIdPattern, tenantIdRight } from './tenant-id.ts';

/** What tenants have used of the cluster, by days of UTC: the queries and the answers. */
const dayRight = 'a day of UTC, such as 2026-01-31';
const day = z.iso.date({ error: dayRight });

const range = {
  firstDay: day.optional().meta({ description: 'In UTC; the first of the last day’s month when left out.' }),
  lastDay: day.optional().meta({ description: 'In UTC, and counted too; today when left out.' }),
};

/** The query of GET /v1/usage. */
export const usageQuery = closedObject(range);

const limitRight = 'an integer from 1 to 1000';

/** The query of GET /v1/admin/usage. */
export const adminUsageQuery = closedObject({
  ...range,
  tenant: z
    .string({ error: tenantIdRight })
    .regex(tenantIdPattern, { error: tenantIdRight })
    .optional()
    .meta({ description: 'Of this tenant alone.' }),
  cursor: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d [A-Za-z0-9._:@-]{1,128}$/, { error: 'nextCursor of the page before' })
    .optional()
    .meta({ description: 'nextCursor of the page before; the first page when left out.' }),
  limit: z
    .string({ error: limitRight })
    .regex(/^\d{1,4}$/, { error: limitRight })
    .meta({ description: 'How many a page has at most; 1000 when left out.' })
    .transform(Number)
    .refine((n) => n >= 1 && n <= 1000, { error: limitRight })
    .default(1000),
});

const count = z.number().int();
const amount = z.number();

const amounts = {
  tasks: count.meta({ description: 'Tasks that ended on the day, however they did.' }),
  finished: count,
  failed: count.meta({ description: 'Those that ended neither finished, nor killed, nor expired.' }),
  killed: count,
  expired: count,
  attempts: count.meta({ description: 'Attempts that ended on the day and had run.' }),
  cpuSeconds: amount.meta({
    description: 'CPUs that attempts were given, times the seconds that they ran on the day.',
  }),
  memMbSeconds: amount,
  gpuSeconds: amount,
};

export const usageAmounts = z.object(amounts);
export type UsageAmounts = z.output<typeof usageAmounts>;

export const usageDay = z.object({ day: z.iso.date(), ...amounts });
export type UsageDay = z.output<typeof usageDay>;

export const usageAnswer = z.object({
  days: z.array(usageDay).meta({ description: 'The days that have anything, the earliest first.' }),
  total: usageAmounts,
});
export type UsageAnswer = z.output<typeof usageAnswer>;

export const tenantUsageDay = z.object({ day: z.iso.date(), tenantId: z.string(), ...amounts });
export type TenantUsageDay = z.output<typeof tenantUsageDay>;

export const adminUsageAnswer = z.object({
  usage: z.array(tenantUsageDay).meta({ description: 'By day, then by tenant.' }),
  nextCursor: z.string().optional().meta({ description: 'The cursor of the next page; absent on the last one.' }),
});
export type AdminUsageAnswer = z.output<typeof adminUsageAnswer>;

export const noUsage: UsageAmounts = {
  ...{ tasks: 0, finished: 0, failed: 0, killed: 0, expired: 0 },
  ...{ attempts: 0, cpuSeconds: 0, memMbSeconds: 0, gpuSeconds: 0 },
};

export function addUsage(one: UsageAmounts, other: UsageAmounts): UsageAmounts {
  const names = Object.keys(noUsage) as (keyof UsageAmounts)[];
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as UsageAmounts;
}
