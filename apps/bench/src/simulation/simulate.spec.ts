import { describe, expect, test } from '@jest/globals';
import type { Policy } from '@juice/scheduling';
import { percentile } from '../statistics.ts';
import { createBaseline } from './baseline.ts';
import { createJuice, type Candidate } from './candidate.ts';
import type { TenantOutcome } from './measures.ts';
import { generateScenario } from './generate.ts';
import { parseScenario } from './scenario.ts';
import { simulate, type Outcome } from './simulate.ts';
import { workloadOf } from './workload.ts';

function run(given: unknown, create?: (atMs: number) => Candidate): Outcome {
  const scenario = parseScenario(given);
  const createCandidate = create ?? ((atMs: number) => createJuice(scenario.policy, atMs));
  return simulate({ scenario, workload: workloadOf(scenario), createCandidate, cpuMicros: () => 0 });
}

const agent = { cpus: 4, memMb: 4_096 };
const small = { cpus: 1, memMb: 512 };
const task = (atSeconds: number, runSeconds: number, more: object = {}) => ({
  atSeconds,
  tenant: 't',
  ...small,
  runSeconds,
  ...more,
});

describe('the virtual cluster', () => {
  test('a task starts where it fits, and its room is offered again once it has ended', () => {
    const tasks = [task(0, 10, { cpus: 4 }), task(1, 5)];
    const outcome = run({ minutes: 1, agents: [agent], tenants: [{ id: 't' }], tasks });
    // 0.2 s to start, 10 s to run, 5 ms until freed room is offered.
    expect(outcome.waiting.mostMs).toBe(10_200 + 5 - 1_000);
    expect(outcome).toMatchObject({ placed: 2, unplaced: 0, submitted: 2, endedMs: 10_205 + 5_200 });
    const used = (4 * 10_200 + 1 * 5_200) / (4 * outcome.endedMs);
    expect(outcome.utilisation.cpus).toBeCloseTo(used, 6);
  });

  test('a declined offer stays away for as long as was asked, unless new work revives it', () => {
    // Nothing waits from the third second on: the offer goes back for two minutes, and REVIVE brings it.
    const tasks = [task(0, 1), task(30, 1), task(45, 1)];
    const { waiting } = run({ minutes: 1, agents: [agent], tenants: [{ id: 't' }], tasks });
    expect(waiting.mostMs).toBe(0);
    const rarely = run({
      minutes: 1,
      agents: [agent],
      tenants: [{ id: 't' }],
      tasks,
      policy: { reviveIntervalMs: 60_000 },
    });
    expect(rarely.waiting.mostMs).toBeGreaterThan(0);
  });

  test('a task that fits nowhere is told of as not placed, and has waited all the time', () => {
    const tasks = [task(0, 1, { cpus: 5 }), task(1, 1)];
    const outcome = run({ minutes: 1, drainMinutes: 1, agents: [agent], tenants: [{ id: 't' }], tasks });
    expect(outcome).toMatchObject({ placed: 1, unplaced: 1, endedMs: 120_000, waiting: { mostMs: 120_000 } });
  });

  test('an answer to an offer that is not out ends the simulation', () => {
    const fraud: Candidate = {
      name: 'fraud',
      cycles: () => 0,
      play: () => ({
        persist: [],
        identify: [],
        explain: [],
        call: [{ kind: 'decline', offerIds: ['O99'], refuseSeconds: 5 }],
      }),
    };
    const scenario = { minutes: 1, agents: [agent], tenants: [{ id: 't' }], tasks: [task(0, 1)] };
    expect(() => run(scenario, () => fraud)).toThrow('O99 is answered, and is not out');
  });
});

describe('the same seed', () => {
  const scenario = generateScenario({ seed: 7, agents: 5, tenants: 3, load: 1, minutes: 5 });

  test.each(['juice', 'fifo', 'first-fit'] as const)('gives the same outcome: %s', (name) => {
    const create = (atMs: number): Candidate => (name === 'juice' ? createJuice({}, atMs) : createBaseline(name, atMs));
    const first = run(scenario, create);
    expect(first.placed).toBeGreaterThan(100);
    expect(run(scenario, create)).toEqual(first);
  });

  test('another seed gives another', () => {
    const other = { ...scenario, seed: 8 };
    expect(workloadOf(other)).not.toEqual(workloadOf(scenario));
  });
});

describe('the baselines', () => {
  const tenants = [{ id: 't' }];
  const tasks = [task(0, 10, { cpus: 3 }), task(1, 1, { cpus: 2 }), task(2, 1)];

  test('fifo: a task that fits nowhere holds up those behind it', () => {
    const { waiting } = run({ minutes: 1, agents: [agent], tenants, tasks }, (atMs) => createBaseline('fifo', atMs));
    expect(waiting).toMatchObject({ p50Ms: 8_205, mostMs: 9_205 });
  });

  test('first-fit: passes over it', () => {
    const create = (atMs: number): Candidate => createBaseline('first-fit', atMs);
    const { waiting } = run({ minutes: 1, agents: [agent], tenants, tasks }, create);
    expect(waiting).toMatchObject({ p50Ms: 0, mostMs: 9_205 });
  });

  test('constraints hold for them too', () => {
    const constraints = [{ field: 'zone', values: ['b'] }];
    const agents = [agent, { ...agent, attributes: { zone: 'b' } }];
    const pinned = Array.from({ length: 5 }, () => task(0, 10, { constraints }));
    const { waiting } = run({ minutes: 1, agents, tenants, tasks: pinned }, (atMs) =>
      createBaseline('first-fit', atMs),
    );
    expect(waiting).toMatchObject({ p50Ms: 0, mostMs: 10_205 });
  });
});

/** What a cluster full of small tasks does to one as large as an agent. */
describe.each([1, 2, 3])('at 95 % load of small tasks and more, seed %i', (seed) => {
  const whole = { ...task(0, 30), ...agent, tenant: 'large' };
  const scenario = parseScenario({
    seed,
    minutes: 12,
    drainMinutes: 20,
    agents: [{ ...agent, count: 20 }],
    tenants: [
      { id: 'small', load: [{ tasksPerMinute: 338, runSeconds: { median: 10, p99: 60 }, shapes: [small] }] },
      { id: 'large' },
    ],
    tasks: Array.from({ length: 8 }, (_, at) => ({ ...whole, atSeconds: 120 + at * 60 })),
  });
  const workload = workloadOf(scenario);
  const smallRuns = workload.filter(({ tenantId }) => tenantId === 'small').map(({ runMs }) => runMs);
  const waitingOfLarge = (policy: Partial<Policy>) => {
    const createCandidate = (atMs: number): Candidate => createJuice(policy, atMs);
    const { tenants } = simulate({ scenario, workload, createCandidate, cpuMicros: () => 0 });
    const large = tenants.find(({ id }) => id === 'large') as TenantOutcome;
    expect(large.unplaced).toBe(0);
    return large.waiting;
  };

  test('one as large as the largest agent starts within ten times the 99th percentile of their run times', () => {
    const busyMs = workload.reduce((sum, { runMs, needs }) => sum + (runMs + 200) * needs.cpuMillis, 0);
    expect(busyMs / (20 * 4_000 * 12 * 60_000)).toBeGreaterThan(0.95);
    expect(waitingOfLarge(scenario.policy).mostMs).toBeLessThan(10 * percentile(smallRuns, 0.99));
  });

  test('with no agent kept for it, it waits far longer', () => {
    const unkept = waitingOfLarge({ ...scenario.policy, reserveAfterMs: 86_400_000 });
    expect(unkept.p50Ms).toBeGreaterThan(3 * waitingOfLarge(scenario.policy).p50Ms);
  });
});

/** Tasks come and go for twenty minutes, and everybody always has more of them. */
test('in the long run every tenant has its share by weight, within 5 %', () => {
  const backlog = (shape: object) => [
    { atStart: 1_500, tasksPerMinute: 150, runSeconds: { median: 20, p99: 60 }, shapes: [shape] },
  ];
  const outcome = run({
    minutes: 20,
    warmUpMinutes: 2,
    drainMinutes: 0,
    agents: [{ cpus: 8, memMb: 8_000, count: 10 }],
    tenants: [
      { id: 'light', weight: 1, load: backlog({ cpus: 1, memMb: 1_000 }) },
      { id: 'double', weight: 2, load: backlog({ cpus: 0.5, memMb: 500 }) },
      { id: 'fivefold', weight: 5, load: backlog({ cpus: 1, memMb: 500 }) },
    ],
  });
  expect(outcome.allWait).toBe(1);
  const byWeight = outcome.tenants.map(({ share, weight }) => share / weight);
  expect(Math.min(...byWeight) / Math.max(...byWeight)).toBeGreaterThan(0.95);
  expect(outcome.utilisation.cpus).toBeGreaterThan(0.95);
});

test('limits of a tenant hold all the time', () => {
  const load = [{ atStart: 200, runSeconds: { median: 5 }, shapes: [small] }];
  const outcome = run({
    minutes: 1,
    drainMinutes: 0,
    agents: [{ ...agent, count: 4 }],
    tenants: [
      { id: 'limited', limits: { running: 3 }, load },
      { id: 'free', load },
    ],
  });
  // Three at a time: 15 s of CPU time in each five.
  expect((outcome.tenants[0]?.share ?? 1) * 16).toBeLessThanOrEqual(3);
  expect(outcome.tenants[0]?.share).toBeGreaterThan(0.15);
});
