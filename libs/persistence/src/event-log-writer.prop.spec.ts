import { describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@juice/contracts';
import fc from 'fast-check';
import { chanceOf, playLogHistory, type LogHistory } from '../testing/log-history.ts';
import { idAt } from '../testing/sample-tasks.ts';
import type { LogDocuments } from './event-log-writer.ts';

const runs = { numRuns: 150 };

async function play(seed: number, change?: (documents: LogDocuments) => LogDocuments): Promise<LogHistory> {
  return playLogHistory(chanceOf(seed), change);
}

/** What is wrong with a history; nothing, if all is as promised. */
function faultsOf({ violations, shown, logged, acknowledged }: LogHistory): string[] {
  const faults = [...violations];
  const text = ({ cursor, taskId, seq }: LoggedEvent): string => `${cursor}=${taskId}:${seq}`;
  for (const events of shown) {
    if (events.map(text).join() !== logged.map(text).join()) faults.push('a reader was not shown the log as it is');
  }
  for (const [epoch, told] of acknowledged) {
    const seqs = logged.filter(({ taskId }) => taskId === idAt(epoch)).map(({ seq }) => seq);
    const inOrder = seqs.every((seq, at) => seq === at + 1);
    if (!inOrder) faults.push(`epoch ${epoch} logged ${seqs.join()}`);
    if (told.length > seqs.length) faults.push(`epoch ${epoch} was told of ${told.length}, logged are ${seqs.length}`);
  }
  const epochs = logged.map(({ taskId }) => taskId);
  if (epochs.some((epoch, at) => at > 0 && epoch < (epochs[at - 1] ?? 0n))) faults.push('an older leader is behind');
  return faults;
}

describe('the log, whoever writes it and whatever is lost', () => {
  test('is shown to every reader as it is in the end; each leader’s events once, in order, before those of later ones', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        expect(faultsOf(await play(seed))).toEqual([]);
      }),
      runs,
    );
  }, 120_000);

  test('has something in it', async () => {
    const { logged, acknowledged } = await play(1);
    expect(logged.length).toBeGreaterThan(10);
    expect([...acknowledged.values()].filter((told) => told.length > 0).length).toBeGreaterThan(1);
  });
});

/** Ways to write the log with one step left out: each must be found out. */
const careless: Readonly<Record<string, (documents: LogDocuments) => LogDocuments>> = {
  'does not fill what its predecessor has reserved': (documents) => ({
    ...documents,
    insert: async (entries) =>
      entries.some((entry) => 'sealedBy' in entry) ? entries.length : documents.insert(entries),
  }),
  'fills it in any order': (documents) => ({
    ...documents,
    async insert(entries) {
      if (!entries.some((entry) => 'sealedBy' in entry)) return documents.insert(entries);
      for (const entry of entries.toReversed()) await documents.insert([entry]);
      return entries.length;
    },
  }),
  'reserves without looking whether it still may': (documents) => ({
    ...documents,
    reserve: (epoch, block) => documents.reserve(epoch, block).then(() => true),
  }),
  'takes what it does not know for done': (documents) => ({
    ...documents,
    insert: (entries) => documents.insert(entries).catch(() => entries.length),
  }),
};

describe('a leader is found out that', () => {
  test.each(Object.entries(careless))('%s', async (_, change) => {
    const faults: string[] = [];
    for (let seed = 0; seed < 300 && faults.length === 0; seed += 1) faults.push(...faultsOf(await play(seed, change)));
    expect(faults).not.toEqual([]);
  });
});
