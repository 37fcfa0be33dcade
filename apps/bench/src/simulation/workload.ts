import type { ConstraintSpec, GroupSpec, ResourceNeeds } from '@juice/contracts';
import { createChance } from '@juice/trial';
import type { Scenario, TraceTask } from './scenario.ts';

/** A task that is going to be submitted. */
export interface Submission {
  readonly atMs: number;
  readonly tenantId: string;
  readonly name: string;
  readonly needs: ResourceNeeds;
  readonly runMs: number;
  readonly priority: number;
  readonly constraints: readonly ConstraintSpec[];
  readonly group: GroupSpec | null;
}

type Load = Scenario['tenants'][number]['load'][number];

/**
 * Everything that is submitted, in the order of time: what the scenario's trace says, and what chance adds. Each load of
 * each tenant has chance of its own, so that one more tenant changes nothing for the others.
 */
export function workloadOf(scenario: Scenario, trace: readonly TraceTask[] = []): Submission[] {
  const traced = [...scenario.tasks, ...trace].map(submissionOf);
  const drawn = scenario.tenants.flatMap(({ id, load }, tenant) =>
    load.flatMap((each, at) => drawLoad(scenario, id, each, seedOf(scenario.seed, tenant, at))),
  );
  return [...traced, ...drawn].sort((a, b) => a.atMs - b.atMs);
}

function drawLoad(scenario: Scenario, tenantId: string, load: Load, seed: number): Submission[] {
  const chance = createChance(seed);
  const { shapes, runSeconds, tasksPerMinute, atStart, fromMinute, untilMinute, ...placement } = load;
  const kinds = shapes.map((shape) => ({ part: shape.part, needs: needsOf(shape) }));
  const { median, p99 = median } = runSeconds;
  const draw = (atMs: number): Submission => {
    const { needs } = chance.oneOf(kinds);
    const runMs = Math.max(1, Math.round(chance.lasting(median, p99) * 1000));
    return { atMs, tenantId, name: 'task', needs, runMs, ...placementOf(placement) };
  };
  const submissions = Array.from({ length: atStart }, () => draw(0));
  if (tasksPerMinute === 0) return submissions;
  const untilMs = Math.min(untilMinute ?? Infinity, scenario.minutes) * 60_000;
  const pause = (): number => chance.pause(tasksPerMinute / 60_000);
  for (let atMs = fromMinute * 60_000 + pause(); atMs < untilMs; atMs += pause())
    submissions.push(draw(Math.floor(atMs)));
  return submissions;
}

/** Far from one another for neighbours: golden-ratio and odd multipliers of 32 bits. */
function seedOf(seed: number, tenant: number, load: number): number {
  return (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(tenant + 1, 0x85ebca6b) ^ Math.imul(load + 1, 0xc2b2ae35)) >>> 0;
}

function submissionOf(task: TraceTask): Submission {
  const { atSeconds, tenant, name, runSeconds } = task;
  const needs = needsOf(task);
  const runMs = Math.max(1, Math.round(runSeconds * 1000));
  return { atMs: Math.round(atSeconds * 1000), tenantId: tenant, name, needs, runMs, ...placementOf(task) };
}

function needsOf({ cpus, memMb, diskMb, gpus }: Pick<TraceTask, 'cpus' | 'memMb' | 'diskMb' | 'gpus'>): ResourceNeeds {
  return { cpuMillis: Math.round(cpus * 1000), memMb, diskMb, gpus, ports: 0, hostPorts: [] };
}

function placementOf({ priority, constraints, group }: Pick<TraceTask, 'priority' | 'constraints' | 'group'>) {
  return {
    priority,
    constraints: constraints.map(({ field, operator, values }) => ({
      field,
      operator: operator ?? 'IN',
      values: values ?? [],
    })),
    group: group === null ? null : { ...group, by: group.by ?? 'HOSTNAME' },
  };
}
