import { describe, expect, test } from '@jest/globals';
import { longestGapMs, planFaults, services, shortestGapMs, type FaultKind } from './plan-faults.ts';

const leaseMs = { api: 30_000, scheduler: 2_500, callback: 11_000 };
const plan = (seed: number, lengthMs = 600_000) => planFaults({ seed, lengthMs, leaseMs });

describe('the faults of a run', () => {
  test('are the same for the same seed, and others for another', () => {
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
    // A longer run begins as a shorter one with the same seed, but for what the shorter one has no time for.
    const short = plan(1, 300_000).filter(({ atMs }) => atMs < 250_000);
    expect(plan(1).slice(0, short.length)).toEqual(short);
  });

  test('come every three to ten seconds, from the first to the last', () => {
    const times = [0, ...plan(3).map(({ atMs }) => atMs), 600_000];
    const gaps = times.slice(1).map((atMs, before) => atMs - (times[before] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(longestGapMs);
    expect(Math.min(...gaps.slice(0, -1))).toBeGreaterThanOrEqual(shortestGapMs);
  });

  test('hit everything: each kind among the first four, each process in ten minutes', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const faults = plan(seed);
      const first = faults.slice(0, 4).map(({ kind }) => kind);
      expect(first.sort()).toEqual(['broker', 'kill', 'stop', 'store'] satisfies FaultKind[]);
      const killed = new Set(
        faults.flatMap((fault) => (fault.kind === 'kill' ? [`${fault.service}-${fault.index}`] : [])),
      );
      expect(killed.size).toBe(services.length * 2);
    }
  });

  test('stop a process past its lease, and all of them are over before the end', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      for (const fault of plan(seed, 60_000)) {
        if (fault.kind === 'kill') continue;
        expect(fault.lastsMs).toBeGreaterThan(fault.kind === 'stop' ? leaseMs[fault.service] : 0);
        if (fault.kind === 'stop') expect(fault.atMs + fault.lastsMs).toBeLessThan(60_000);
      }
    }
  });

  test('never stop both apis at a time', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const stops = plan(seed).filter((fault) => fault.kind === 'stop' && fault.service === 'api');
      const ends = stops.map((fault) => fault.atMs + ('lastsMs' in fault ? fault.lastsMs : 0));
      for (const [index, stop] of stops.slice(1).entries()) expect(stop.atMs).toBeGreaterThan(ends[index] ?? 0);
    }
  });
});
