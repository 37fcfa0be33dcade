import { describe, expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { leaseWorkerNumber, workerLeaseMs, type Lease, type WorkerLeases } from './worker-number.ts';

/** Leases in memory, a clock that moves when somebody waits, and hands to break things with. */
function createWorld() {
  const stored = new Map<string, Lease>();
  const events: string[] = [];
  let nowMs = 0;
  let isDown = false;
  const reach = (): void => {
    if (isDown) throw new DependencyFailure({ dependency: 'mongodb', operation: 'x', retryable: true, detail: 'down' });
  };
  const leases: WorkerLeases = {
    async read(name) {
      reach();
      return stored.get(name) ?? null;
    },
    async take(name, holder, _url, seen) {
      reach();
      const present = stored.get(name) ?? null;
      if (present?.epoch !== seen?.epoch || present?.renewals !== seen?.renewals) return null;
      const lease = { name, holder, epoch: (seen?.epoch ?? 0) + 1, renewals: 0 };
      stored.set(name, lease);
      return lease;
    },
    async renew(name, holder, epoch) {
      reach();
      const present = stored.get(name);
      if (present?.holder !== holder || present.epoch !== epoch) return false;
      stored.set(name, { ...present, renewals: present.renewals + 1 });
      return true;
    },
    async release(name, holder, epoch) {
      reach();
      const present = stored.get(name);
      if (present?.holder === holder && present.epoch === epoch) stored.set(name, { ...present, holder: null });
    },
  };
  /** Waiting worker loops, each with what wakes it. */
  const waiting = new Set<() => void>();
  const start = (holder: string, random = () => 0) =>
    leaseWorkerNumber({
      leases,
      holder,
      monotonicMs: () => nowMs,
      random,
      wait: (ms, signal) =>
        new Promise((resolve) => {
          const untilMs = nowMs + ms;
          const wake = (): void => {
            if (nowMs < untilMs && !signal.aborted) return;
            waiting.delete(wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          waiting.add(wake);
          signal.addEventListener('abort', wake);
        }),
      log: { info: (event) => void events.push(event), warn: (event) => void events.push(event) },
    });
  return {
    stored,
    events,
    start,
    setDown: (down: boolean) => void (isDown = down),
    /** Time passes of which the processes see nothing. */
    jump: (ms: number) => void (nowMs += ms),
    /** Lets time pass in small steps, and what waits for it happen. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 500) {
        nowMs += Math.min(left, 500);
        for (const wake of [...waiting]) wake();
        await new Promise(setImmediate);
      }
    },
  };
}

describe('leaseWorkerNumber', () => {
  test('processes that start together get different numbers, and give them back', async () => {
    const world = createWorld();
    const workers = await Promise.all(['a', 'b', 'c'].map((holder) => world.start(holder)));
    expect(new Set(workers.map((worker) => worker.current())).size).toBe(3);
    for (const worker of workers) await worker.stop();
    expect([...world.stored.values()].map(({ holder }) => holder)).toEqual([null, null, null]);
    expect(() => workers[0]?.current()).toThrow(expect.objectContaining({ code: 'DEPENDENCY_FAILURE' }));
  });

  test('a number is kept as long as it is renewed', async () => {
    const world = createWorld();
    const worker = await world.start('a');
    const number = worker.current();
    await world.pass(20 * workerLeaseMs);
    expect(worker.current()).toBe(number);
    expect(world.events).toEqual(['worker.leased']);
    await worker.stop();
  });

  test('is not ours any more once its lease has run out unrenewed; then again when the store is back', async () => {
    const world = createWorld();
    const worker = await world.start('a');
    const number = worker.current();
    world.setDown(true);
    await world.pass(workerLeaseMs - 10_000);
    expect(worker.isHeld()).toBe(true);
    await world.pass(10_000);
    expect(worker.isHeld()).toBe(false);
    expect(() => worker.current()).toThrow(expect.objectContaining({ code: 'DEPENDENCY_FAILURE', retryable: true }));
    world.setDown(false);
    await world.pass(2_000);
    expect(worker.current()).toBe(number);
    await worker.stop();
  });

  test('a process that was stopped for longer than the lease has no number when it goes on, until it has asked', async () => {
    const world = createWorld();
    const worker = await world.start('a');
    const before = worker.current();
    const name = `worker:${before}`;
    world.stored.set(name, { name, holder: 'another', epoch: 2, renewals: 0 });
    // Nothing of it ran meanwhile: what it was to do is done only after it has been asked for an id.
    world.jump(workerLeaseMs);
    expect(() => worker.current()).toThrow(expect.objectContaining({ code: 'DEPENDENCY_FAILURE', retryable: true }));
    await world.pass(2_000);
    expect(worker.isHeld()).toBe(true);
    expect(worker.current()).not.toBe(before);
    expect(world.stored.get(name)?.holder).toBe('another');
    await worker.stop();
  });

  test('a number that another process took is replaced by another', async () => {
    const world = createWorld();
    const worker = await world.start('a');
    const name = `worker:${worker.current()}`;
    world.stored.set(name, { name, holder: 'thief', epoch: 9, renewals: 0 });
    const before = worker.current();
    await world.pass(25_000);
    expect(worker.isHeld()).toBe(true);
    expect(worker.current()).not.toBe(before);
    expect(world.events).toEqual(['worker.leased', 'worker.lost', 'worker.leased']);
    expect(world.stored.get(name)?.holder).toBe('thief');
    await worker.stop();
  });

  test('when none is free, one whose holder was not heard of for a whole lease is taken over', async () => {
    const world = createWorld();
    for (let number = 0; number < 1024; number += 1) {
      const name = `worker:${number}`;
      world.stored.set(name, { name, holder: `dead-${number}`, epoch: 3, renewals: 5 });
    }
    const starting = world.start('a');
    await new Promise(setImmediate);
    await world.pass(workerLeaseMs - 1000);
    for (const [name, lease] of world.stored) {
      if (name !== 'worker:77') world.stored.set(name, { ...lease, renewals: lease.renewals + 1 });
    }
    await world.pass(2_000);
    const worker = await starting;
    expect(worker.current()).toBe(77);
    expect(world.stored.get('worker:77')).toMatchObject({ holder: 'a', epoch: 4 });
    await worker.stop();
  });

  test('without a store there is no first number', async () => {
    const world = createWorld();
    world.setDown(true);
    await expect(world.start('a')).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE' });
  });

  test('stopping without a store leaves the lease to run out', async () => {
    const world = createWorld();
    const worker = await world.start('a');
    world.setDown(true);
    await worker.stop();
    expect([...world.stored.values()]).toMatchObject([{ holder: 'a' }]);
  });
});
