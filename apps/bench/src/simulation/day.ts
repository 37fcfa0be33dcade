import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawChart, type Chart } from '../chart.ts';
import { createJuice } from './candidate.ts';
import { writeReport } from './report.ts';
import { parseScenario, type Scenario } from './scenario.ts';
import { simulate, type Outcome } from './simulate.ts';
import { workloadOf } from './workload.ts';

const runSeconds = { median: 120, p99: 600 };

/**
 * A day of a cluster of 160 CPUs, which gets about 63 such tasks done in a minute: one tenant always submits more than that;
 * each of the others, in its hours, a little more than its part of the cluster is then.
 */
export function dayScenario(seed: number): Scenario {
  const small = [{ cpus: 1, memMb: 1_024 }];
  return parseScenario({
    seed,
    minutes: 1_440,
    drainMinutes: 0,
    agents: [{ count: 10, cpus: 16, memMb: 65_536 }],
    tenants: [
      { id: 'always', load: [{ tasksPerMinute: 70, runSeconds, shapes: small }] },
      {
        id: '6 to 20 h',
        load: [{ tasksPerMinute: 34, runSeconds, fromMinute: 360, untilMinute: 1_200, shapes: small }],
      },
      {
        id: '10 to 14 h, double',
        weight: 2,
        load: [{ tasksPerMinute: 36, runSeconds, fromMinute: 600, untilMinute: 840, shapes: small }],
      },
      {
        id: '16 to 22 h, memory',
        load: [
          { tasksPerMinute: 20, runSeconds, fromMinute: 960, untilMinute: 1_320, shapes: [{ cpus: 1, memMb: 6_144 }] },
        ],
      },
    ],
  });
}

/** Plays the day, tells who had what, and draws it where a folder is given. */
export async function showDay(options: {
  readonly seed: number;
  readonly folder: string | null;
  readonly cpuMicros: () => number;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { seed, folder, cpuMicros, say } = options;
  const scenario = dayScenario(seed);
  const createCandidate = (atMs: number) => createJuice(scenario.policy, atMs);
  const outcome = simulate({ scenario, workload: workloadOf(scenario), createCandidate, cpuMicros, sampleMs: 300_000 });
  for (const line of writeReport([outcome])) say(line);
  if (folder !== null) await writeFile(join(folder, 'day.svg'), drawChart(dayChart(outcome)));
}

function dayChart({ tenants, samples }: Outcome): Chart {
  return {
    title: 'Dominant shares over a day',
    x: { label: 'hour', scale: 'linear', ticks: [0, 4, 8, 12, 16, 20, 24].map((hour) => [hour, String(hour)]) },
    y: { label: 'share', scale: 'linear', ticks: [0, 0.25, 0.5, 0.75, 1].map((part) => [part, `${part * 100} %`]) },
    series: tenants.map(({ id }, at) => ({
      name: id,
      points: samples.map(({ atMs, shares }) => [atMs / 3_600_000, shares[at] ?? 0]),
    })),
  };
}
