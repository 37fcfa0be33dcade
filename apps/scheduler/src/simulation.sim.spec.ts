import { describe, expect, test } from '@jest/globals';
import { playHistory } from '../testing/simulation/history.ts';
import { mutants } from '../testing/simulation/mutants.ts';

/** `SIMULATION_SEED=<seed>` plays that history alone; `SIMULATION_SEEDS=<count>` plays more than the usual number. */
const { SIMULATION_SEED: only, SIMULATION_SEEDS: count = '500' } = process.env;
/** Histories in one test: few enough for its time limit on a busy machine. */
const perTest = 50;
/** A mutant must be found by one of the first so many; most are by the first. */
const seedsForMutants = 150;

async function play(seed: number): Promise<void> {
  const { violations, trace } = await playHistory(seed);
  if (violations.length === 0) return;
  const again = `seed ${seed}; to play it alone: SIMULATION_SEED=${seed} npx nx run scheduler:test simulation`;
  throw new Error([again, ...violations, 'what happened, in ms:', ...trace].join('\n'));
}

describe('over any history, what is promised holds', () => {
  if (only !== undefined) {
    test(`seed ${only}`, () => play(Number(only)));
    return;
  }
  for (let first = 0; first < Number(count); first += perTest) {
    test(`seeds ${first} to ${first + perTest - 1}`, async () => {
      for (let seed = first; seed < first + perTest; seed += 1) await play(seed);
    });
  }

  test('a seed always plays the same history', async () => {
    const [once, again] = [await playHistory(7), await playHistory(7)];
    expect(again.trace).toEqual(once.trace);
  });
});

describe('a scheduler is found out that', () => {
  test.each(Object.entries(mutants))('%s', async (_name, mutant) => {
    let found: readonly string[] = [];
    for (let seed = 0; seed < seedsForMutants && found.length === 0; seed += 1) {
      found = (await playHistory(seed, mutant)).violations;
    }
    expect(found).not.toEqual([]);
  });
});
