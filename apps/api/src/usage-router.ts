import { Router } from 'express';
import { addUsage, adminUsageQuery, noUsage, usageQuery, type UsageAmounts } from '@juice/contracts';
import { answering } from './answering.ts';
import { tenantOf } from './caller.ts';
import type { Gates } from './gates.ts';
import { readQueryAs } from './read-admin-request.ts';
import type { Read } from './read-request.ts';
import { refuse } from './refusal.ts';
import { named, wrongMethod } from './tasks-router.ts';

interface FoundUsage extends UsageAmounts {
  readonly day: string;
  readonly tenantId: string;
}

/** The part of the usage store that showing needs. */
export interface UsageFinder {
  /** By day, then by tenant. */
  findUsage(
    range: {
      readonly from: string;
      readonly to: string;
      readonly tenantId?: string | undefined;
      readonly after?: { readonly day: string; readonly tenantId: string } | undefined;
    },
    limit: number,
  ): Promise<readonly FoundUsage[]>;
}

/** What was used by days: a tenant's own, and for operators everybody's. */
export function createUsageRouter({
  gates,
  usage,
  now,
}: {
  gates: Gates;
  usage: UsageFinder;
  now: () => number;
}): Router {
  const own = answering(async (request, response) => {
    const query = readQueryAs(usageQuery, request.query);
    if (!query.ok) return query;
    const range = readRange(query.value, now());
    if (!range.ok) return range;
    const { tenantId } = tenantOf(response);
    const found = await usage.findUsage({ ...range.value, tenantId }, mostDays);
    const days = found.map(({ tenantId: _, ...day }) => day);
    const total = days.reduce<UsageAmounts>(addUsage, noUsage);
    return { ok: true, answer: { days: days.map(inMilliseconds), total: inMilliseconds(total) } };
  });

  const everybodys = answering(async (request) => {
    const query = readQueryAs(adminUsageQuery, request.query);
    if (!query.ok) return query;
    const range = readRange(query.value, now());
    if (!range.ok) return range;
    const { tenant: tenantId, cursor, limit } = query.value;
    const found = await usage.findUsage({ ...range.value, tenantId, after: placeOf(cursor) }, limit + 1);
    const page = found.slice(0, limit).map(inMilliseconds);
    const last = page.at(-1);
    const isMore = found.length > limit && last !== undefined;
    return { ok: true, answer: { usage: page, ...(isMore && { nextCursor: `${last.day} ${last.tenantId}` }) } };
  });

  const router = Router();
  router.route('/v1/usage').all(named('/v1/usage')).get(gates.tenant, own).all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/admin/usage')
    .all(named('/v1/admin/usage'))
    .get(gates.admin, everybodys)
    .all(wrongMethod('GET', 'HEAD'));
  return router;
}

/** Times are known to the millisecond: what more digits there are is the sum's. */
function inMilliseconds<T extends UsageAmounts>(used: T): T {
  const round = (amount: number): number => Math.round(amount * 1000) / 1000;
  const { cpuSeconds, memMbSeconds, gpuSeconds } = used;
  return {
    ...used,
    cpuSeconds: round(cpuSeconds),
    memMbSeconds: round(memMbSeconds),
    gpuSeconds: round(gpuSeconds),
  };
}

/** A range of days is no longer. */
const mostDays = 366;

const dayMs = 86_400_000;

interface DayRange {
  readonly from: string;
  readonly to: string;
}

function readRange(
  given: { firstDay?: string | undefined; lastDay?: string | undefined },
  nowMs: number,
): Read<DayRange> {
  const { lastDay: to = new Date(nowMs).toISOString().slice(0, 10) } = given;
  const { firstDay: from = `${to.slice(0, 8)}01` } = given;
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (days >= 1 && days <= mostDays) return { ok: true, value: { from, to } };
  const message = `firstDay must be a day up to lastDay, ${to}, and at most ${mostDays} days with it, not ${from}`;
  return refuse('invalid', { member: 'firstDay', code: 'BAD_REQUEST', message, value: from });
}

function placeOf(cursor: string | undefined): { readonly day: string; readonly tenantId: string } | undefined {
  const [day, tenantId] = cursor?.split(' ') ?? [];
  return day === undefined || tenantId === undefined ? undefined : { day, tenantId };
}
