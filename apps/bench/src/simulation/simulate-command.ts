import { readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigProblems } from '@juice/runtime';
import { createBaseline } from './baseline.ts';
import { createJuice, type Candidate } from './candidate.ts';
import { generateScenario } from './generate.ts';
import { writeReport } from './report.ts';
import { parseScenario, parseTrace, readJson, type Scenario, type TraceTask } from './scenario.ts';
import { simulate } from './simulate.ts';
import { workloadOf } from './workload.ts';

export const simulateUsage = `npm run simulate -- [scenario.json] [--schedulers juice,fifo,first-fit] [--json] [--sample-seconds 0]
npm run simulate -- --seed 1 [--agents 100] [--tenants 6] [--load 0.9] [--minutes 60] [--save scenario.json]
  Plays a scenario (from a file, or made up from a seed) through Juice's scheduling core and two simpler schedulers, in
  virtual time, and tells how full the cluster was, and who got what and waited how long. See docs/simulator.md.`;

const candidates = ['juice', 'fifo', 'first-fit'] as const;

/** The command `simulate`. Relative paths are those of the shell that npm was started in. */
export async function runSimulateCommand(
  args: readonly string[],
  deps: { readonly folder: string; readonly say: (line: string) => void },
): Promise<void> {
  const { folder, say } = deps;
  const { values, positionals } = readArguments(args);
  const { scenario, trace } = await readScenario(positionals[0], values, folder);
  if (values.save !== undefined)
    await writeFile(resolve(folder, values.save), `${JSON.stringify(scenario, null, 2)}\n`);
  const workload = workloadOf(scenario, trace);
  const names = readNames(values.schedulers);
  const sampleMs = readNumber('sample-seconds', values['sample-seconds'], 0, 1e6) * 1000;
  const outcomes = names.map((name) =>
    simulate({ scenario, workload, createCandidate: creatorOf(name, scenario), cpuMicros, sampleMs }),
  );
  if (values.json) {
    say(JSON.stringify({ seed: scenario.seed, outcomes }, null, 2));
    return;
  }
  say(`${workload.length} tasks in ${scenario.minutes} minutes, seed ${scenario.seed}\n`);
  for (const line of writeReport(outcomes)) say(line);
}

export function creatorOf(
  name: (typeof candidates)[number],
  { policy }: Pick<Scenario, 'policy'>,
): (atMs: number) => Candidate {
  return (atMs) => (name === 'juice' ? createJuice(policy, atMs) : createBaseline(name, atMs));
}

export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function readArguments(args: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      schedulers: { ...text, default: candidates.join() },
      json: { type: 'boolean', default: false },
      'sample-seconds': { ...text, default: '0' },
      seed: text,
      agents: { ...text, default: '100' },
      tenants: { ...text, default: '6' },
      load: { ...text, default: '0.9' },
      minutes: { ...text, default: '60' },
      save: text,
    },
  });
}

async function readScenario(
  file: string | undefined,
  values: ReturnType<typeof readArguments>['values'],
  folder: string,
): Promise<{ scenario: Scenario; trace: TraceTask[] }> {
  if (file === undefined) {
    const seed = readNumber('seed', values.seed ?? '1', 0, 2 ** 32 - 1);
    const agents = readNumber('agents', values.agents, 1, 100_000);
    const tenants = readNumber('tenants', values.tenants, 1, 10_000);
    const load = readNumber('load', values.load, 0.01, 100);
    const minutes = readNumber('minutes', values.minutes, 0.01, 100_000);
    return { scenario: generateScenario({ seed, agents, tenants, load, minutes }), trace: [] };
  }
  const path = resolve(folder, file);
  const given = parseScenario(readJson(await readText(path), file));
  const scenario =
    values.seed === undefined ? given : { ...given, seed: readNumber('seed', values.seed, 0, 2 ** 32 - 1) };
  if (scenario.trace === null) return { scenario, trace: [] };
  const tenants = new Set(scenario.tenants.map(({ id }) => id));
  return { scenario, trace: parseTrace(await readText(resolve(dirname(path), scenario.trace)), tenants) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error: unknown) {
    const problem = `must be a file that can be read: ${error instanceof Error ? error.message : String(error)}`;
    throw new ConfigProblems([{ variable: 'the file', given: path, problem }]);
  }
}

function readNames(given: string): (typeof candidates)[number][] {
  const names = given.split(',').flatMap((word) => candidates.filter((name) => name === word));
  if (names.length === given.split(',').length) return names;
  throw new ConfigProblems([{ variable: '--schedulers', given, problem: `must be some of ${candidates.join(', ')}` }]);
}

function readNumber(name: string, given: string, least: number, most: number): number {
  const number = Number(given);
  if (given.trim() !== '' && number >= least && number <= most) return number;
  throw new ConfigProblems([{ variable: `--${name}`, given, problem: `must be a number from ${least} to ${most}` }]);
}
