import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawChart, type Chart } from '../chart.ts';
import { median } from '../statistics.ts';
import { writeTable } from '../table.ts';
import type { QueueLoad } from './queue-load.ts';
import { takeTurn, ways, type Turn, type Way } from './turn.ts';

export interface MatchBenchOptions {
  readonly rounds: number;
  /** Up to how many waiting tasks growth is measured. */
  readonly most: number;
  /** Where results and drawings are written; null: nowhere. */
  readonly folder: string | null;
  readonly say: (line: string) => void;
}

/** Agents with room for about 23 tasks each, of the resource that runs out first. */
const roomy = { cpuMillis: 8_000, memMb: 16_000 };
/** Worth an offer, and too little for any task. */
const full = { cpuMillis: 50, memMb: 48 };

const loads: readonly (QueueLoad & { readonly title: string })[] = [
  {
    title: '50,000 waiting and 10,000 running tasks of 100 tenants, 1,000 agents with room for some',
    ...{ waiting: 50_000, running: 10_000, tenants: 100, agents: 1_000, offered: roomy },
  },
  {
    title: 'The same, and nothing fits',
    ...{ waiting: 50_000, running: 10_000, tenants: 100, agents: 1_000, offered: full },
  },
  {
    title: '100,000 waiting tasks of 100 tenants, 10,000 agents with room for all',
    ...{ waiting: 100_000, running: 0, tenants: 100, agents: 10_000, offered: roomy },
  },
];

/**
 * What matching costs, beside the simulator's baselines, which take turns with it; every turn has a queue of its own. Then
 * how it grows with what waits and with the agents: a million is measured once, for it takes minutes to submit them.
 */
export async function measureMatching({ rounds, most, folder, say }: MatchBenchOptions): Promise<void> {
  for (const { title, ...load } of loads) {
    const turns = takeTurns(ways, load, rounds);
    say(`\n${title}\n`);
    for (const line of tableOf(turns)) say(line);
  }
  const growth = measureGrowth(Math.min(rounds, 3), most);
  say('\nGrowth\n');
  for (const line of growthTable(growth)) say(line);
  if (folder === null) return;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'growth.json'), `${JSON.stringify(growth, null, 2)}\n`);
  await writeFile(join(folder, 'growth.svg'), drawChart(growthChart(growth)));
}

function takeTurns<W extends Way>(names: readonly W[], load: QueueLoad, rounds: number): Map<W, Turn[]> {
  const turns = new Map<W, Turn[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) turns.get(name)?.push(takeTurn(name, load));
  }
  return turns;
}

function tableOf(turns: ReadonlyMap<Way, readonly Turn[]>): string[] {
  const base = turns.get('first-fit') ?? [];
  const head = [
    '',
    'placed',
    'CPU ms',
    'wall ms',
    'longest frame ms',
    'placed a CPU second',
    'CPU to first-fit',
    'bytes a task',
  ];
  const rows = [...turns].map(([way, own]) => {
    const of = (value: (turn: Turn) => number): number => median(own.map(value));
    const ratio = median(own.map(({ cpuMs }, round) => cpuMs / (base[round]?.cpuMs ?? NaN)));
    const bytes = of(({ bytesPerTask }) => bytesPerTask);
    return [
      way,
      whole(of(({ placed }) => placed)),
      of(({ cpuMs }) => cpuMs).toFixed(1),
      of(({ wallMs }) => wallMs).toFixed(1),
      of(({ longestMs }) => longestMs).toFixed(1),
      whole(of(({ placed, cpuMs }) => (placed / cpuMs) * 1000)),
      ratio.toFixed(2),
      Number.isNaN(bytes) ? '–' : whole(bytes),
    ];
  });
  return writeTable([head, ...rows]);
}

interface GrowthPoint {
  readonly waiting: number;
  readonly agents: number;
  readonly placed: number;
  readonly cycleCpuMs: number;
  readonly firstFitCpuMs: number;
  readonly frameMs: number;
  readonly bytesPerTask: number;
}

const growthWays = ['cycle', 'first-fit', 'frames of 1,000'] as const;

function measureGrowth(rounds: number, most: number): GrowthPoint[] {
  const points: GrowthPoint[] = [];
  for (const waiting of [1_000, 10_000, 100_000, 1_000_000].filter((count) => count <= most)) {
    const times = waiting < 1_000_000 ? rounds : 1;
    for (const agents of [100, 1_000, 10_000]) {
      const turns = takeTurns(growthWays, { waiting, running: 0, tenants: 100, agents, offered: roomy }, times);
      const of = (way: (typeof growthWays)[number], value: (turn: Turn) => number): number =>
        Number(median((turns.get(way) ?? []).map(value)).toFixed(2));
      points.push({
        waiting,
        agents,
        placed: of('cycle', ({ placed }) => placed),
        cycleCpuMs: of('cycle', ({ cpuMs }) => cpuMs),
        firstFitCpuMs: of('first-fit', ({ cpuMs }) => cpuMs),
        frameMs: of('frames of 1,000', ({ longestMs }) => longestMs),
        bytesPerTask: of('cycle', ({ bytesPerTask }) => bytesPerTask),
      });
    }
  }
  return points;
}

function growthTable(points: readonly GrowthPoint[]): string[] {
  const head = [
    'waiting',
    'agents',
    'placed',
    'cycle, CPU ms',
    'first-fit, CPU ms',
    'longest frame of 1,000, ms',
    'bytes a task',
  ];
  const rows = points.map((point) => [
    whole(point.waiting),
    whole(point.agents),
    whole(point.placed),
    point.cycleCpuMs.toFixed(1),
    point.firstFitCpuMs.toFixed(1),
    point.frameMs.toFixed(1),
    whole(point.bytesPerTask),
  ]);
  return writeTable([head, ...rows]);
}

function growthChart(points: readonly GrowthPoint[]): Chart {
  const agents = [...new Set(points.map((point) => point.agents))];
  const decades = (values: readonly number[]): [number, string][] =>
    values.map((value) => [value, value.toLocaleString('en')]);
  return {
    title: 'CPU time of a cycle that places all that fits',
    x: { label: 'waiting tasks', scale: 'log', ticks: decades([...new Set(points.map(({ waiting }) => waiting))]) },
    y: { label: 'CPU ms', scale: 'log', ticks: decades([1, 10, 100, 1_000, 10_000]) },
    series: agents.map((count) => ({
      name: `${whole(count)} agents`,
      points: points
        .filter((point) => point.agents === count)
        .map((point) => [point.waiting, Math.max(1, point.cycleCpuMs)]),
    })),
  };
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
