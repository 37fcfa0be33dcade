import type { TaskId, TaskState } from '@juice/contracts';
import { longestLookMs, type MongoConnection } from './connection.ts';
import { tasksOf, type TaskCollection } from './collections.ts';
import { fingerprintOf, keysBelow, placeOfDead, replayMarks, type DeadPlace } from './lane-keys.ts';
import { attempt } from './mongo-failure.ts';
import type { TaskRecord } from './task-record.ts';

/** Which dead lanes are meant: those for which all that is given holds. */
export interface DeadChoice {
  /** null: of all tenants. */
  readonly tenantId: string | null;
  /** Those of these tasks. */
  readonly taskIds?: readonly TaskId[] | undefined;
  /** Those that share a trouble; see `fingerprintOf`. */
  readonly group?: string | undefined;
  /** Of receivers at this origin. */
  readonly origin?: string | undefined;
  /** Given up for this: a word of a small set. */
  readonly reason?: string | undefined;
  /** Died at this instant or later, and before that. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Not those that this replay has armed before. */
  readonly unlessReplayedBy?: string | undefined;
}

/** A lane that was given up, and why. */
export interface DeadLetter extends DeadPlace {
  /** Where a list goes on behind it. */
  readonly place: string;
  readonly taskId: TaskId;
  readonly taskName: string;
  readonly url: string;
  readonly group: string;
  readonly diedAtMs: number;
  /** Of the oldest pending state. */
  readonly tries: number;
  readonly seq: number;
  readonly status: TaskState;
  /** How many states are not delivered. */
  readonly pending: number;
}

interface DeadPage {
  readonly letters: readonly DeadLetter[];
  /** Where to go on; null: there are no more. */
  readonly next: string | null;
}

/** Dead lanes that share a trouble. */
export interface DeadGroup extends DeadPlace {
  readonly group: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The oldest and the newest of their tasks; one when there is one. */
  readonly sample: readonly TaskId[];
}

/**
 * Dead lanes, for people and for replays. Every method throws DependencyFailure when MongoDB cannot be reached, or has looked at them
 * for five seconds.
 */
export interface DeadLetters {
  /** In the order of tenant, origin, reason and task, after a place (null: from the first). */
  findDead(choice: DeadChoice, after: string | null, limit: number): Promise<DeadPage>;
  /** Reads every lane that is meant. */
  countDead(choice: DeadChoice): Promise<number>;
  /** The largest first. Reads every lane that is meant. */
  groupDead(choice: DeadChoice, limit: number): Promise<readonly DeadGroup[]>;
}

const inOrder = {
  projection: { tenantId: 1, taskName: 1, callback: 1 },
  sort: { 'callback.aside': 1 },
  maxTimeMS: longestLookMs,
} as const;
type Stored = Pick<TaskRecord, '_id' | 'taskName' | 'callback'>;

interface Grouped {
  readonly key: string;
  readonly count: number;
  readonly first: Date;
  readonly last: Date;
  readonly oldest: TaskId;
  readonly newest: TaskId;
}

export function createDeadLetters(conn: MongoConnection): DeadLetters {
  const tasks: TaskCollection = tasksOf(conn);
  return {
    findDead: (choice, after, limit) =>
      attempt('find dead lanes', async () => {
        const found = await tasks
          // One more than asked for tells whether there is more.
          .find<Stored>(filterOf(choice, after), { ...inOrder, limit: limit + 1 })
          .toArray();
        const page = found.slice(0, limit);
        const next = found.length > limit ? (page.at(-1)?.callback?.aside ?? null) : null;
        return { letters: page.flatMap(asLetter), next };
      }),
    countDead: (choice) =>
      attempt('count dead lanes', () => tasks.countDocuments(filterOf(choice, null), { maxTimeMS: longestLookMs })),
    groupDead: (choice, limit) =>
      attempt('group dead lanes', async () => {
        const groups = tasks.aggregate<Grouped>(
          [
            { $match: filterOf(choice, null) },
            {
              $group: {
                // What a group's id is made of: older lanes do not have the id itself.
                _id: { tenant: '$tenantId', cause: '$callback.cause' },
                key: { $min: '$callback.aside' },
                count: { $sum: 1 },
                first: { $min: '$callback.asideAt' },
                last: { $max: '$callback.asideAt' },
                oldest: { $min: '$_id' },
                newest: { $max: '$_id' },
              },
            },
            { $sort: { count: -1, key: 1 } },
            { $limit: limit },
          ],
          { maxTimeMS: longestLookMs },
        );
        return (await groups.toArray()).map(asGroup);
      }),
  };
}

/** The longest run of the key's words that the choice gives is a range of the index; the rest is looked at in the documents. */
function filterOf(choice: DeadChoice, after: string | null) {
  const { tenantId, taskIds, group, origin, reason, sinceMs, untilMs, unlessReplayedBy } = choice;
  const words = ['dead'];
  for (const word of [tenantId, origin, reason]) {
    if (word === null || word === undefined) break;
    words.push(word);
  }
  const range = keysBelow(words.join(' '));
  const died = {
    ...(sinceMs !== undefined && { $gte: new Date(sinceMs) }),
    ...(untilMs !== undefined && { $lt: new Date(untilMs) }),
  };
  return {
    'callback.state': 'dead' as const,
    'callback.aside': after === null || after < range.$gte ? range : { $gt: after, $lt: range.$lt },
    ...(taskIds !== undefined && { _id: { $in: [...taskIds] } }),
    ...(group !== undefined && { 'callback.group': group }),
    ...(unlessReplayedBy !== undefined && { 'callback.replay': { $nin: replayMarks(unlessReplayedBy) } }),
    ...causeFilter(origin, reason),
    ...(Object.keys(died).length > 0 && { 'callback.asideAt': died }),
  };
}

/** A cause is `<reason> <origin>`. */
function causeFilter(origin: string | undefined, reason: string | undefined) {
  if (origin === undefined && reason === undefined) return {};
  if (origin !== undefined && reason !== undefined) return { 'callback.cause': `${reason} ${origin}` };
  const pattern = origin === undefined ? `^${literally(reason ?? '')} ` : ` ${literally(origin)}$`;
  return { 'callback.cause': { $regex: pattern } };
}

function literally(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]/g, (sign) => `\\${sign}`);
}

function asLetter({ _id, taskName, callback }: Stored): DeadLetter[] {
  const oldest = callback?.pending[0];
  if (callback?.aside === undefined || oldest === undefined) return [];
  const place = placeOfDead(callback.aside);
  return [
    {
      taskId: _id,
      place: callback.aside,
      taskName,
      ...place,
      url: callback.url,
      group: groupOf(place),
      diedAtMs: callback.asideAt?.getTime() ?? 0,
      tries: callback.attempt,
      seq: oldest.seq,
      status: oldest.status,
      pending: callback.pending.length,
    },
  ];
}

function groupOf({ tenantId, origin, reason }: DeadPlace): string {
  return fingerprintOf(`${tenantId} ${origin}`, reason);
}

function asGroup({ key, count, first, last, oldest, newest }: Grouped): DeadGroup {
  const place = placeOfDead(key);
  return {
    group: groupOf(place),
    ...place,
    count,
    firstMs: first.getTime(),
    lastMs: last.getTime(),
    sample: [...new Set([oldest, newest])],
  };
}
