import {
  addUsage,
  beforeAllEvents,
  noUsage,
  type EventCursor,
  type TaskId,
  type UsageAmounts,
  type RetentionOptions,
} from '@juice/contracts';
import { tasksOf } from './collections.ts';
import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt, isDuplicateKey } from './mongo-failure.ts';
import { retentionOf } from './retention.ts';
import type { AttemptRecord, TaskRecord } from './task-record.ts';

/** What one event of the log says was used, on one day. */
export interface Use {
  readonly tenantId: string;
  /** Of UTC, as `2026-01-31`. */
  readonly day: string;
  /** The place of the event: of a tenant's day, uses are handed over in the order of places. */
  readonly place: EventCursor;
  readonly amounts: UsageAmounts;
}

export interface CountedUsage extends UsageAmounts {
  readonly day: string;
  readonly tenantId: string;
}

/** The part of a task that what it used is counted by. */
export interface UsedTask {
  readonly taskId: TaskId;
  readonly resources: TaskRecord['spec']['resources'];
  readonly attempts: readonly Pick<AttemptRecord, 'n' | 'startedAt' | 'endedAt'>[];
}

export interface UsageRange {
  /** The first day and the last. */
  readonly from: string;
  readonly to: string;
  readonly tenantId?: string | undefined;
  /** After this tenant's day. */
  readonly after?: { readonly day: string; readonly tenantId: string } | undefined;
}

/**
 * What tenants used, by days. It is counted from the event log: each use once, however often and by however many processes it
 * is handed over, since each day of a tenant remembers the place up to which it has been counted.
 *
 * Every method throws DependencyFailure when MongoDB cannot be reached.
 */
export interface UsageStore {
  /** Up to which place of the event log everything is counted. */
  usageCountedUpTo(): Promise<EventCursor>;
  /** Adds what has not been counted yet. */
  countUses(uses: readonly Use[]): Promise<void>;
  /** All uses up to a place were handed over; says nothing when a later place was told before. */
  markUsageCounted(upTo: EventCursor): Promise<void>;
  /** Those of the tasks that are still kept. */
  findUsedTasks(taskIds: readonly TaskId[]): Promise<readonly UsedTask[]>;
  /** By day, then by tenant. */
  findUsage(range: UsageRange, limit: number): Promise<readonly CountedUsage[]>;
}

interface UsageDocument extends UsageAmounts {
  /** `<day> <tenant>`: in the order of days. */
  readonly _id: string;
  readonly tenantId: string;
  readonly day: string;
  readonly upTo: EventCursor;
  readonly purgeAt: Date;
}

/** Of the log's place; no day is called so. */
const placeId = 'counted';

export function createUsageStore(conn: MongoConnection, options: RetentionOptions = {}): UsageStore {
  const retentionMs = retentionOf('usageRetentionMs', options);
  const days = nativeDb(conn.connection).collection<UsageDocument>('usage');
  const places = nativeDb(conn.connection).collection<{ _id: string; upTo: EventCursor }>('usage');
  const tasks = tasksOf(conn);

  async function countDay(_id: string, uses: readonly Use[]): Promise<void> {
    for (;;) {
      const known = await days.findOne({ _id });
      const before = known?.upTo ?? beforeAllEvents;
      const fresh = uses.filter(({ place }) => place > before);
      const [last] = fresh.slice(-1);
      if (last === undefined) return;
      const amounts = fresh.reduce((sum, use) => addUsage(sum, use.amounts), known ?? noUsage);
      if (await write(_id, known, { ...amounts, upTo: last.place }, last)) return;
    }
  }

  /** false: another process has counted meanwhile. */
  async function write(
    _id: string,
    known: UsageDocument | null,
    counted: UsageAmounts & { readonly upTo: EventCursor },
    { tenantId, day }: Use,
  ): Promise<boolean> {
    if (known !== null) return (await days.updateOne({ _id, upTo: known.upTo }, { $set: counted })).matchedCount === 1;
    const purgeAt = new Date(Date.parse(day) + retentionMs);
    try {
      await days.insertOne({ _id, tenantId, day, ...counted, purgeAt });
      return true;
    } catch (error: unknown) {
      if (!isDuplicateKey(error)) throw error;
      return false;
    }
  }

  return {
    usageCountedUpTo: () =>
      attempt('read usage', async () => (await places.findOne({ _id: placeId }))?.upTo ?? beforeAllEvents),
    countUses: (uses) =>
      attempt('count usage', async () => {
        const idOf = ({ day, tenantId }: Use): string => `${day} ${tenantId}`;
        for (const id of new Set(uses.map(idOf))) {
          const ofDay = uses.filter((use) => idOf(use) === id);
          await countDay(id, ofDay);
        }
      }),
    markUsageCounted: (upTo) =>
      attempt('mark usage', async () => {
        try {
          await places.updateOne({ _id: placeId, upTo: { $lt: upTo } }, { $set: { upTo } }, { upsert: true });
        } catch (error: unknown) {
          // A later place is told already.
          if (!isDuplicateKey(error)) throw error;
        }
      }),
    findUsedTasks: (taskIds) =>
      attempt('find used tasks', async () => {
        const projection = {
          'spec.resources': 1,
          'attempts.n': 1,
          'attempts.startedAt': 1,
          'attempts.endedAt': 1,
        } as const;
        const found = await tasks.find({ _id: { $in: [...taskIds] } }, { projection }).toArray();
        return found.map(({ _id, spec, attempts }) => ({ taskId: _id, resources: spec.resources, attempts }));
      }),
    findUsage: ({ from, to, tenantId, after }, limit) =>
      attempt('find usage', async () => {
        const past = after === undefined ? {} : { $gt: `${after.day} ${after.tenantId}` };
        // Behind a day's last tenant, before the next day: "!" follows the blank.
        const _id = { $gte: from, $lt: `${to}!`, ...past };
        const found = await days
          .find({ _id, ...(tenantId !== undefined && { tenantId }) }, { sort: { _id: 1 }, limit })
          .toArray();
        return found.map(({ _id: _, upTo: __, purgeAt: ___, ...usage }) => usage);
      }),
  };
}
