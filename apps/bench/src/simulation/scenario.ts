import { constraintMember, groupMember } from '@juice/contracts';
import { ConfigProblems } from '@juice/runtime';
import { defaultPolicy, usualPreemption } from '@juice/scheduling';
import { z } from 'zod';
import { patterns } from './candidate.ts';

/**
 * What is simulated: a cluster, tenants, and what they submit: by chance (`load`), or as a trace has it (`tasks`). Units are
 * in the names; docs/simulator.md tells what each member means.
 */

const number = (least: number, most: number) => {
  const error = `a number from ${least} to ${most}`;
  return z.number({ error }).min(least, { error }).max(most, { error });
};
const count = (least: number, most: number) => {
  const error = `a whole number from ${least} to ${most}`;
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error });
};
const name = z.string({ error: 'a string' }).regex(/^[^\p{Cc}]{1,100}$/u, { error: '1 to 100 characters' });

/** An object without other members: one that is misspelt must not pass for one left out. */
function closed<S extends z.ZodRawShape>(shape: S) {
  const members = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `left out: the members here are ${members}` : `an object {${members}}`,
  });
}

function isCompilable({ operator, values }: z.output<typeof constraintMember>): boolean {
  if (operator !== 'LIKE' && operator !== 'UNLIKE') return true;
  try {
    values?.forEach(patterns);
    return true;
  } catch {
    return false;
  }
}

const amounts = {
  cpus: number(0.01, 10_000),
  memMb: count(1, 100_000_000),
  diskMb: count(0, 1_000_000_000).default(0),
  gpus: count(0, 1_000).default(0),
};
const placement = {
  priority: count(0, 100).default(0),
  constraints: z
    .array(constraintMember.refine(isCompilable, { error: 'of patterns in RE2 syntax' }))
    .max(20)
    .default([]),
  group: groupMember.nullable().default(null),
};
/** A quarter of a year: longer runs say nothing more about a scheduler. */
const seconds = number(0.001, 8_000_000);

export const traceTask = closed({
  atSeconds: number(0, 8_000_000),
  tenant: name,
  name: name.default('task'),
  ...amounts,
  runSeconds: seconds,
  ...placement,
});
export type TraceTask = z.output<typeof traceTask>;

const load = closed({
  /** On the average, independently of one another. */
  tasksPerMinute: number(0, 1_000_000).default(0),
  /** At once, when the simulation begins. */
  atStart: count(0, 1_000_000).default(0),
  /** Between which minutes; null: to the end. */
  fromMinute: number(0, 100_000).default(0),
  untilMinute: number(0, 100_000).nullable().default(null),
  runSeconds: closed({ median: seconds, p99: seconds.optional() }),
  shapes: z
    .array(closed({ ...amounts, part: number(0.000001, 1_000_000).default(1) }))
    .min(1, { error: 'one at least' }),
  ...placement,
});

const limit = (most: number) => number(0, most).nullable().default(null);

/** What of the core's policy a scenario may change. */
const policy = closed({
  strategy: z.enum(['pack', 'spread'], { error: 'pack or spread' }).default(defaultPolicy.strategy),
  keepBackShare: number(0, 0.99).default(defaultPolicy.keepBackShare),
  offerHoldMs: count(0, 600_000).default(defaultPolicy.offerHoldMs),
  busyRefuseSeconds: number(0, 86_400).default(defaultPolicy.busyRefuseSeconds),
  idleRefuseSeconds: number(0, 86_400).default(defaultPolicy.idleRefuseSeconds),
  reviveIntervalMs: count(0, 600_000).default(defaultPolicy.reviveIntervalMs),
  launchesPerFrame: count(1, 1_000_000).default(defaultPolicy.launchesPerFrame),
  launchesPerSecond: count(1, 1_000_000).default(defaultPolicy.launchesPerSecond),
  launchBurst: count(1, 1_000_000).default(defaultPolicy.launchBurst),
  missesPerCycle: count(1, 1_000_000).default(defaultPolicy.missesPerCycle),
  reserveAfterMs: count(0, 86_400_000).default(defaultPolicy.reserveAfterMs),
  reserveMs: count(1, 86_400_000).default(defaultPolicy.reserveMs),
  reserveShare: number(0, 1).default(defaultPolicy.reserveShare),
  preemption: closed({
    afterMs: count(0, 86_400_000).default(usualPreemption.afterMs),
    safeShare: number(0, 1_000_000).default(usualPreemption.safeShare),
    minDifference: number(0, 1_000_000).default(usualPreemption.minDifference),
    most: count(1, 1_000_000).default(usualPreemption.most),
  })
    .nullable()
    .default(defaultPolicy.preemption),
});

export const scenario = closed({
  seed: count(0, 2 ** 32 - 1).default(1),
  minutes: number(0.01, 100_000),
  warmUpMinutes: number(0, 100_000).default(0),
  drainMinutes: number(0, 100_000).default(60),
  agents: z
    .array(closed({ count: count(1, 100_000).default(1), ...amounts, attributes: z.record(name, name).default({}) }))
    .min(1, { error: 'one at least' }),
  tenants: z
    .array(
      closed({
        id: name,
        weight: number(0.001, 1_000_000).default(1),
        limits: closed({
          cpus: limit(1_000_000),
          memMb: limit(1_000_000_000),
          gpus: limit(1_000_000),
          running: limit(1_000_000_000),
          launchesPerSecond: limit(1_000_000),
        }).prefault({}),
        load: z.array(load).default([]),
      }),
    )
    .min(1, { error: 'one at least' }),
  tasks: z.array(traceTask).default([]),
  /** A file of such tasks, beside the scenario's: a JSON array, or JSON lines. */
  trace: name.nullable().default(null),
  policy: policy.prefault({}),
  cluster: closed({
    allocationSeconds: number(0.01, 60).default(1),
    promptMs: count(0, 60_000).default(5),
    startMs: count(0, 600_000).default(200),
    tickMs: count(10, 60_000).default(250),
  }).prefault({}),
}).check(({ value, issues }) => {
  const known = new Set(value.tenants.map(({ id }) => id));
  if (known.size < value.tenants.length)
    issues.push({ code: 'custom', input: value.tenants, path: ['tenants'], message: 'different from one another' });
  if (value.warmUpMinutes >= value.minutes)
    issues.push({ code: 'custom', input: value.warmUpMinutes, path: ['warmUpMinutes'], message: 'less than minutes' });
  value.tasks.forEach(({ tenant }, at) => {
    if (!known.has(tenant)) issues.push(unknownTenant(tenant, ['tasks', at, 'tenant']));
  });
});
export type Scenario = z.output<typeof scenario>;

function unknownTenant(tenant: string, path: (string | number)[]) {
  return { code: 'custom' as const, input: tenant, path, message: 'the id of one of the tenants' };
}

/** Throws ConfigProblems with everything that is wrong, by path. */
export function parseScenario(given: unknown): Scenario {
  return parse(scenario, given, '');
}

/** A trace as text: a JSON array, or a JSON object on each line. Blank lines count for nothing. */
export function parseTrace(text: string, tenants: ReadonlySet<string>): TraceTask[] {
  const isArray = text.trimStart().startsWith('[');
  const rows = isArray
    ? [...(readJson(text, 'the trace') as unknown[])].map((row, at) => ({ row, place: `[${at}]` }))
    : text.split('\n').flatMap((line, at) => {
        const place = `line ${at + 1}`;
        return line.trim() === '' ? [] : [{ row: readJson(line, place), place }];
      });
  return rows.map(({ row, place }) => {
    const task = parse(traceTask, row, place);
    if (!tenants.has(task.tenant))
      throw new ConfigProblems([
        { variable: `${place}: tenant`, given: task.tenant, problem: 'must be the id of one of the tenants' },
      ]);
    return task;
  });
}

export function readJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error: unknown) {
    const problem = `must be JSON: ${error instanceof Error ? error.message : String(error)}`;
    throw new ConfigProblems([{ variable: what, given: text.slice(0, 60), problem }]);
  }
}

function parse<S extends z.ZodType>(schema: S, given: unknown, place: string): z.output<S> {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  throw new ConfigProblems(
    read.error.issues.map(({ path, message }) => {
      const keys = path.map(String);
      const value = keys.reduce<unknown>((at, key) => (Object(at) as Record<string, unknown>)[key], given);
      const variable = [place, keys.join('.')].filter((part) => part !== '').join(': ') || 'the scenario';
      return { variable, given: (JSON.stringify(value) ?? 'nothing').slice(0, 100), problem: `must be ${message}` };
    }),
  );
}
