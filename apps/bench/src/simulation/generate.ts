import { spreadOf } from '@juice/trial';
import { parseScenario, type Scenario } from './scenario.ts';

export interface Generation {
  readonly seed: number;
  readonly agents: number;
  readonly tenants: number;
  /** What is submitted on the average, as a part of what the cluster can do: above 1 the backlog grows. */
  readonly load: number;
  readonly minutes: number;
}

/** What tasks take, on agents of 16 CPUs and 64 GB: mostly small ones, now and then one as large as an agent. */
const shapes = [
  { cpus: 0.5, memMb: 1_024, part: 50 },
  { cpus: 1, memMb: 2_048, part: 25 },
  { cpus: 1, memMb: 8_192, part: 12 },
  { cpus: 4, memMb: 4_096, part: 10 },
  { cpus: 8, memMb: 32_768, part: 2.5 },
  { cpus: 16, memMb: 65_536, part: 0.5 },
];

const runSeconds = { median: 20, p99: 300 };

/**
 * A scenario for a load: the first tenant submits most, the others ever less (1, 1/2, 1/3 …), and every third one has
 * double weight. The same arguments give the same scenario.
 */
export function generateScenario({ seed, agents, tenants, load, minutes }: Generation): Scenario {
  const parts = Array.from({ length: tenants }, (_, at) => 1 / (at + 1));
  const whole = parts.reduce((sum, part) => sum + part, 0);
  const perMinute = (load * capacityPerMinute(agents)) / whole;
  return parseScenario({
    seed,
    minutes,
    drainMinutes: minutes,
    agents: [{ count: agents, cpus: 16, memMb: 65_536, attributes: { rack_id: 'r1' } }],
    tenants: parts.map((part, at) => ({
      id: `tenant-${at + 1}`,
      weight: at % 3 === 2 ? 2 : 1,
      load: [{ tasksPerMinute: Number((perMinute * part).toPrecision(4)), runSeconds, shapes }],
    })),
  });
}

/** Tasks that a cluster gets done in a minute, by the resource that runs out first. */
function capacityPerMinute(agents: number): number {
  const whole = shapes.reduce((sum, { part }) => sum + part, 0);
  const mean = (of: (shape: (typeof shapes)[number]) => number): number =>
    shapes.reduce((sum, shape) => sum + (shape.part / whole) * of(shape), 0);
  const runMinutes = (runSeconds.median * Math.exp(spreadOf(runSeconds.median, runSeconds.p99) ** 2 / 2)) / 60;
  const fit = Math.min(16 / mean(({ cpus }) => cpus), 65_536 / mean(({ memMb }) => memMb));
  return (agents * fit) / runMinutes;
}
