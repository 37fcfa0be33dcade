import { expect, test } from '@jest/globals';
import { percentile } from '../statistics.ts';
import { parseScenario } from './scenario.ts';
import { workloadOf } from './workload.ts';

const agents = [{ cpus: 1, memMb: 64 }];
const shapes = [
  { cpus: 1, memMb: 1, part: 3 },
  { cpus: 2, memMb: 1 },
];
const load = { tasksPerMinute: 600, runSeconds: { median: 10, p99: 60 }, shapes };

function draw(...loads: object[]) {
  return workloadOf(parseScenario({ minutes: 20, agents, tenants: [{ id: 't', load: loads }] }));
}

test('tasks come as often, last as long and are as large as was said, in the order of time', () => {
  const tasks = draw(load);
  // 12,000 on the average, give or take 110 (Poisson).
  expect(tasks.length).toBeGreaterThan(11_500);
  expect(tasks.length).toBeLessThan(12_500);
  expect(tasks.every(({ atMs }, at) => at === 0 || atMs >= (tasks[at - 1]?.atMs ?? Infinity))).toBe(true);
  const runs = tasks.map(({ runMs }) => runMs / 1000);
  expect(percentile(runs, 0.5)).toBeCloseTo(10, 0);
  expect(percentile(runs, 0.99) / 60).toBeCloseTo(1, 0);
  const large = tasks.filter(({ needs }) => needs.cpuMillis === 2_000).length;
  expect(large / tasks.length).toBeCloseTo(0.25, 1);
});

test('a load may be for a part of the time, or all at the beginning', () => {
  const times = draw({ ...load, fromMinute: 5, untilMinute: 6 }).map(({ atMs }) => atMs);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(300_000);
  expect(Math.max(...times)).toBeLessThan(360_000);
  expect(draw({ ...load, tasksPerMinute: 0, atStart: 3 }).map(({ atMs }) => atMs)).toEqual([0, 0, 0]);
});

test('one more tenant changes nothing for the others', () => {
  const tenants = [{ id: 't', load: [load] }];
  const alone = workloadOf(parseScenario({ minutes: 1, agents, tenants }));
  const both = workloadOf(parseScenario({ minutes: 1, agents, tenants: [...tenants, { id: 'u', load: [load] }] }));
  expect(both.filter(({ tenantId }) => tenantId === 't')).toEqual(alone);
  expect(both.filter(({ tenantId }) => tenantId === 'u')).not.toEqual(
    alone.map((task) => ({ ...task, tenantId: 'u' })),
  );
});

test('without a 99th percentile all last alike', () => {
  expect(new Set(draw({ ...load, runSeconds: { median: 4 } }).map(({ runMs }) => runMs))).toEqual(new Set([4_000]));
});
