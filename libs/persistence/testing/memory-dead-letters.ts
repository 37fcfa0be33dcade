import type { TaskId } from '@juice/contracts';
import type { DeadChoice, DeadGroup, DeadLetter, DeadLetters } from '../src/index.ts';
import type { MemoryTask } from './memory-lane.ts';

interface Found {
  readonly key: string;
  readonly letter: DeadLetter;
  readonly replayId: string | null;
}

/** Dead lanes among those in memory. */
export function createMemoryDeadLetters(all: ReadonlyMap<TaskId, MemoryTask>): DeadLetters {
  const meant = (choice: DeadChoice): readonly Found[] =>
    [...all.values()]
      .flatMap(asFound)
      .filter(({ letter, replayId }) => isMeant(letter, choice) && replayId !== choice.unlessReplayedBy)
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return {
    async findDead(choice, after, limit) {
      const found = meant(choice).filter(({ key }) => after === null || key > after);
      const page = found.slice(0, limit);
      const next = found.length > limit ? (page.at(-1)?.key ?? null) : null;
      return { letters: page.map(({ letter }) => letter), next };
    },
    countDead: async (choice) => meant(choice).length,
    async groupDead(choice, limit) {
      const groups = new Map<string, DeadLetter[]>();
      for (const { letter } of meant(choice)) groups.set(letter.group, [...(groups.get(letter.group) ?? []), letter]);
      // Those of a size stay in the order of their first key.
      return [...groups.values()]
        .flatMap(asGroup)
        .toSorted((a, b) => b.count - a.count)
        .slice(0, limit);
    },
  };
}

function asFound({ record, lane }: MemoryTask): Found[] {
  const oldest = lane?.pending[0];
  if (lane === null || lane.state !== 'dead' || lane.aside === null || oldest === undefined) return [];
  const { key, atMs } = lane.aside;
  const [, tenantId = '', origin = '', reason = ''] = key.split(' ');
  const letter = {
    place: key,
    ...{ taskId: record.taskId, taskName: record.spec.taskName, url: lane.url, tenantId, origin, reason },
    ...{ group: lane.group ?? '', diedAtMs: atMs, tries: lane.tries, pending: lane.pending.length },
    ...{ seq: oldest.seq, status: oldest.status },
  };
  return [{ key, letter, replayId: lane.replay?.replayId ?? null }];
}

function isMeant(letter: DeadLetter, choice: DeadChoice): boolean {
  const { tenantId, taskIds, group, origin, reason, sinceMs = 0, untilMs = Infinity } = choice;
  return (
    (tenantId === null || letter.tenantId === tenantId) &&
    (taskIds === undefined || taskIds.includes(letter.taskId)) &&
    (group === undefined || letter.group === group) &&
    (origin === undefined || letter.origin === origin) &&
    (reason === undefined || letter.reason === reason) &&
    letter.diedAtMs >= sinceMs &&
    letter.diedAtMs < untilMs
  );
}

function asGroup(letters: readonly DeadLetter[]): DeadGroup[] {
  const [first] = letters;
  if (first === undefined) return [];
  const { group, tenantId, origin, reason } = first;
  const times = letters.map(({ diedAtMs }) => diedAtMs);
  const ids = letters.map(({ taskId }) => taskId).toSorted((a, b) => (a < b ? -1 : 1));
  const ends = [ids[0], ids.at(-1)].filter((id) => id !== undefined);
  return [
    {
      ...{ group, tenantId, origin, reason, count: letters.length },
      ...{ firstMs: Math.min(...times), lastMs: Math.max(...times), sample: [...new Set(ends)] },
    },
  ];
}
