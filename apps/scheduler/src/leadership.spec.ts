import { beforeEach, describe, expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { createLogger } from '@juice/observability';
import type { LeaseStore } from '@juice/persistence';
import { createMemoryLeases } from '@juice/persistence/testing';
import { createTimeline, type Timeline } from '../testing/simulation/timeline.ts';
import { lead, type Leadership } from './leadership.ts';

// On a clock that moves only when a test says so: no load of the machine makes a renewal late, and no timer outlives a test, however it ends.

const log = createLogger({ service: 'test', level: 'silent' });
const leaseMs = 300;
let timeline: Timeline;
let leases: LeaseStore;

beforeEach(() => {
  timeline = createTimeline(0);
  leases = createMemoryLeases();
});

const passes = (ms: number): Promise<void> => timeline.run(timeline.now() + ms);

function candidate(holder: string, more: Partial<Parameters<typeof lead>[0]> = {}): Promise<Leadership> {
  const { signal } = new AbortController();
  const clock = { elapsedMs: () => timeline.now(), wait: timeline.wait };
  const isDrained = () => Promise.resolve(false);
  return lead({ leases, holder, url: null, leaseMs, isDrained, signal, log, ...clock, ...more });
}

/** What has come of it by now; undefined: nothing yet. */
function watch<T>(promise: Promise<T>): { readonly value: () => T | undefined } {
  let value: T | undefined;
  void promise.then((settled) => (value = settled));
  return { value: () => value };
}

function cutOff(): Promise<never> {
  const facts = { dependency: 'mongodb', operation: 'renew lease', retryable: true, detail: 'cut off' };
  return Promise.reject(new DependencyFailure(facts));
}

describe('leadership', () => {
  test('is had at once when it is free, by one for as long as it renews, and passes on when it is given back', async () => {
    const first = await candidate('first');
    const lost = watch(first.lost);
    const second = watch(candidate('second'));
    for (let n = 0; n < 100; n += 1) {
      await passes(leaseMs / 10);
      first.assertLeading();
    }
    expect([second.value(), lost.value()]).toEqual([undefined, undefined]);
    expect(await leases.read('scheduler')).toMatchObject({ holder: 'first', epoch: 1 });
    await first.release();
    await passes(leaseMs / 6);
    expect(second.value()).toMatchObject({ epoch: 2 });
    expect(lost.value()).toBeUndefined();
  });

  test('is left to others by one that is drained, until it is not any more', async () => {
    let drained = true;
    const first = watch(candidate('drained', { isDrained: async () => drained }));
    await passes(3 * leaseMs);
    expect(first.value()).toBeUndefined();
    expect(await leases.read('scheduler')).toBeNull();
    const second = await candidate('another');
    await second.release();
    await passes(3 * leaseMs);
    expect(first.value()).toBeUndefined();
    drained = false;
    await passes(leaseMs / 6);
    expect(first.value()).toMatchObject({ epoch: 2 });
  });

  test.each([
    ['fail', cutOff],
    ['hang', () => new Promise<never>(() => undefined)],
  ])('of one whose renewals %s ends by itself, before another has it', async (_, renew) => {
    for (let afterMs = 0; afterMs <= leaseMs; afterMs += 7) {
      leases = createMemoryLeases();
      const first = await candidate('cut off', { leases: { ...leases, renew } });
      const takenMs = timeline.now();
      const happened: string[] = [];
      void first.lost.then(() => happened.push('lost'));
      await passes(afterMs);
      const second = candidate('second').then((leadership) => {
        happened.push('taken');
        return leadership;
      });
      await timeline.run(takenMs + leaseMs - 1);
      expect(happened).toEqual([]);
      first.assertLeading();
      await passes(1 + 2 * leaseMs);
      expect(happened).toEqual(['lost', 'taken']);
      expect(() => first.assertLeading()).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
      await (await second).release();
    }
  });

  test('is not asserted past the lease, even when no timer has run: the process was stopped and goes on', async () => {
    const clock = { ms: 0 };
    const paused = await candidate('paused', { elapsedMs: () => clock.ms });
    clock.ms = leaseMs - 1;
    paused.assertLeading();
    clock.ms = leaseMs;
    expect(() => paused.assertLeading()).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
  });

  test('taken by another is lost', async () => {
    const lost = watch((await candidate('first')).lost);
    await leases.take('scheduler', 'thief', null, await leases.read('scheduler'));
    await passes(leaseMs / 3);
    expect(lost.value()).toMatchObject({ code: 'LEASE_LOST' });
  });

  test('is waited for while the store is away', async () => {
    let isAway = true;
    const read: LeaseStore['read'] = (name) => (isAway ? cutOff() : leases.read(name));
    const first = watch(candidate('first', { leases: { ...leases, read } }));
    await passes(10 * leaseMs);
    expect(first.value()).toBeUndefined();
    isAway = false;
    await passes(leaseMs / 6);
    expect(first.value()).toMatchObject({ epoch: 1 });
  });

  test('is waited for until the process stops', async () => {
    await candidate('first');
    const stopping = new AbortController();
    const second = candidate('second', { signal: stopping.signal });
    await passes(leaseMs);
    stopping.abort();
    await expect(second).rejects.toMatchObject({ name: 'AbortError' });
    expect(await leases.read('scheduler')).toMatchObject({ holder: 'first' });
  });
});
