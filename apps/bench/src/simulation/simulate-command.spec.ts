import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseScenario, parseTrace } from './scenario.ts';
import { runSimulateCommand } from './simulate-command.ts';
import type { Outcome } from './simulate.ts';
import { workloadOf } from './workload.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'juice-simulate-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]): Promise<string> {
  const lines: string[] = [];
  await runSimulateCommand(args, { folder, say: (line) => void lines.push(line) });
  return lines.join('\n');
}

const little = ['--agents', '2', '--tenants', '2', '--minutes', '2', '--load', '1.2'];

test('a made-up scenario is saved, and played again from its file, with the same outcome', async () => {
  const made = JSON.parse(await run('--seed', '5', ...little, '--save', 'made.json', '--json')) as Told;
  const again = JSON.parse(await run('made.json', '--json')) as Told;
  const withoutCpu = ({ outcomes }: Told) => outcomes.map(({ cpuMs: _, ...outcome }) => outcome);
  expect(made.seed).toBe(5);
  expect(made.outcomes.map(({ scheduler }) => scheduler)).toEqual(['juice', 'fifo', 'first-fit']);
  expect(made.outcomes[0]?.placed).toBeGreaterThan(50);
  expect(withoutCpu(again)).toEqual(withoutCpu(made));
});

interface Told {
  readonly seed: number;
  readonly outcomes: readonly Outcome[];
}

test('the table has a row for each scheduler, and one for each tenant of it', async () => {
  const table = await run(...little, '--schedulers', 'first-fit,juice');
  expect([...table.matchAll(/^\| (juice|first-fit|fifo) /gm)].map(([, name]) => name)).toEqual([
    'first-fit',
    'juice',
    'first-fit',
    'juice',
  ]);
  expect([...table.matchAll(/^\| tenant-[12] /gm)]).toHaveLength(4);
});

test.each([
  [['none.json'], 'the file is'],
  [['--schedulers', 'lifo'], '--schedulers is "lifo": must be some of juice, fifo, first-fit'],
  [['--load', 'full'], '--load is "full": must be a number from 0.01 to 100'],
])('what is wrong is told: %j', async (args, words) => {
  await expect(run(...args)).rejects.toThrow(words);
});

test('the sample in the documentation can be played', async () => {
  const samples = resolve(import.meta.dirname, '../../../../docs/scenarios');
  const scenario = parseScenario(JSON.parse(await readFile(join(samples, 'sample.json'), 'utf8')));
  const tenants = new Set(scenario.tenants.map(({ id }) => id));
  const trace = parseTrace(await readFile(join(samples, scenario.trace ?? ''), 'utf8'), tenants);
  expect(trace).toHaveLength(4);
  expect(workloadOf(scenario, trace).filter(({ name }) => name === 'replica')).toHaveLength(2);
});
