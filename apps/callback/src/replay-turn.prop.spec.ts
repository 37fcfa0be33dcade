import { describe, expect, test } from '@jest/globals';
import { DependencyFailure, TaskState, type TaskId } from '@juice/contracts';
import { failedAgain, type NewReplay } from '@juice/persistence';
import { createMemoryLanes, createMemoryReplays } from '@juice/persistence/testing';
import fc from 'fast-check';
import { idAt, storeTask, tenant } from '../testing/lane-of.ts';
import { takeReplayTurn } from './replay-turn.ts';

const t0 = 1_750_000_000_000;
const leaseMs = 10_000;
const by = 'worker-1';
const url = 'http://127.0.0.1/done';

/** Dead lanes, a replay of them, and what receives it. */
async function createWorld(count: number, replay: Partial<NewReplay> = {}) {
  const lanes = createMemoryLanes();
  const replays = createMemoryReplays();
  const world = { nowMs: t0, armed: 0, mostAtOnce: 0, counts: 0, crashesIn: Infinity };
  /** The process ends in place of this operation, or just after it. */
  let isAfter = false;
  const crash = (): never => {
    throw new DependencyFailure({
      dependency: 'mongodb',
      operation: 'any',
      retryable: true,
      detail: 'the process is gone',
    });
  };
  const operate =
    <A extends readonly unknown[], T>(act: (...given: A) => Promise<T>) =>
    async (...given: A): Promise<T> => {
      world.crashesIn -= 1;
      if (world.crashesIn === 0 && !isAfter) crash();
      const done = await act(...given);
      if (world.crashesIn === 0) crash();
      return done;
    };
  const ids = Array.from({ length: count }, (_, n) => idAt(n + 1));
  const arming = new Map<TaskId, number>();

  async function die(taskId: TaskId, atMs: number): Promise<void> {
    const lane = await lanes.deliveries.claim(taskId, { nowMs: atMs, token: `${taskId}-${atMs}`, leaseMs, by });
    if (lane === null) throw new Error('the lane could not be claimed');
    await lanes.deliveries.settleDead(lane, { nowMs: atMs, reason: 'status-503', isTried: true });
  }
  for (const taskId of ids) {
    const task = await storeTask(lanes.tasks, { taskId, url, atMs: t0 - 1000 });
    await task.becomes(TaskState.FINISHED, t0 - 1000);
    await die(taskId, t0 - 500);
  }
  const made = {
    ...{ replayId: 'r1', owner: tenant, by: 'key-1', reason: 'repaired', ratePerSecond: 20, selected: count },
    ...{ choice: { tenantId: tenant, untilMs: t0 + 1 }, createdAtMs: t0 },
    ...replay,
  };
  await replays.createReplay(made, { most: 1, request: null });
  const deps = {
    replays: {
      beginBatch: operate(replays.beginBatch),
      endBatch: operate(replays.endBatch),
      endSelection: operate(replays.endSelection),
      giveBack: operate(replays.giveBack),
      conclude: operate(replays.conclude),
    },
    deadLetters: { findDead: operate(lanes.deadLetters.findDead) },
    lanes: {
      rearm: operate(async (...given: Parameters<typeof lanes.deliveries.rearm>) => {
        const before = new Set(
          (await lanes.deadLetters.findDead({ tenantId: null }, null, 10_000)).letters.map((one) => one.taskId),
        );
        const answer = await lanes.deliveries.rearm(...given);
        const after = new Set(
          (await lanes.deadLetters.findDead({ tenantId: null }, null, 10_000)).letters.map((one) => one.taskId),
        );
        for (const taskId of before) if (!after.has(taskId)) arming.set(taskId, (arming.get(taskId) ?? 0) + 1);
        return answer;
      }),
      countReplayed: operate((replayId: string) => {
        world.counts += 1;
        return lanes.deliveries.countReplayed(replayId);
      }),
    },
    now: () => world.nowMs,
    onArmed: (lanesArmed: number) => {
      world.armed += lanesArmed;
      world.mostAtOnce = Math.max(world.mostAtOnce, lanesArmed);
    },
    onSuperseded: () => undefined,
  };
  let tokens = 0;

  /** A turn, if one is due; whether its process came to its end. */
  async function turn(crashesIn = Infinity, after = false): Promise<boolean> {
    isAfter = after;
    world.crashesIn = crashesIn;
    const held = await replays.takeReplay({ token: `turn-${tokens++}`, nowMs: world.nowMs, leaseMs });
    if (held === null) return true;
    try {
      await takeReplayTurn(deps, held);
      return true;
    } catch (error: unknown) {
      if (!(error instanceof DependencyFailure)) throw error;
      return false;
    }
  }
  /** What is due is delivered, or (so the receiver wills) dies again. */
  async function deliver(isTaken: (taskId: TaskId) => boolean): Promise<void> {
    for (const { taskId } of await lanes.deliveries.dueLanes(world.nowMs, 10_000)) {
      if (!isTaken(taskId)) await die(taskId, world.nowMs);
      else {
        const lane = await lanes.deliveries.claim(taskId, { nowMs: world.nowMs, token: `ok-${taskId}`, leaseMs, by });
        if (lane !== null) await lanes.deliveries.settleDelivered(lane, { nowMs: world.nowMs, leaseMs });
      }
    }
  }
  const read = async () => {
    const found = await replays.findReplay(null, 'r1');
    if (found === null) throw new Error('there is no replay');
    return found;
  };
  return { world, lanes, replays, ids, arming, turn, deliver, die, read };
}

describe('a replay', () => {
  test('wherever its workers die, each lane is armed once, counted once, and it comes to its end', async () => {
    const step = fc.record({
      crashesIn: fc.integer({ min: 1, max: 9 }),
      isAfter: fc.boolean(),
      ms: fc.constantFrom(50, 300, leaseMs),
      delivers: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.integer({ min: 0, max: 23 }), async (steps, count) => {
        const { world, turn, deliver, arming, ids, read } = await createWorld(count);
        const isTaken = (taskId: TaskId): boolean => taskId % 3n !== 0n;
        for (const { crashesIn, isAfter, ms, delivers } of steps) {
          await turn(crashesIn, isAfter);
          world.nowMs += ms;
          if (delivers) await deliver(isTaken);
        }
        for (let round = 0; (await read()).endedAtMs === null; round += 1) {
          expect(round).toBeLessThan(60);
          world.nowMs += leaseMs;
          await turn();
          await deliver(isTaken);
        }
        expect([...arming.values()].every((times) => times === 1)).toBe(true);
        expect(new Set(arming.keys())).toEqual(new Set(ids));
        const replay = await read();
        const taken = ids.filter(isTaken).length;
        expect(replay).toMatchObject({ state: 'done', replayed: count, skipped: 0, delivered: taken, waiting: 0 });
        expect(failedAgain(replay)).toBe(count - taken);
      }),
      { numRuns: 60 },
    );
  });

  test('keeps its pace: a second’s worth in a second, in even batches', async () => {
    const { world, turn, read } = await createWorld(60);
    for (; world.nowMs < t0 + 1000; world.nowMs += 10) {
      await turn();
      const replay = await read();
      // Nothing has failed again that is not delivered yet, whenever one looks.
      expect(failedAgain(replay)).toBe(0);
    }
    expect((await read()).replayed).toBe(20);
    expect(world.mostAtOnce).toBe(5);
    world.nowMs += 60_000;
    for (let ms = 0; ms < 1000; ms += 10, world.nowMs += 10) await turn();
    // Held up for a minute, it makes up for a quarter of a second of it.
    expect((await read()).replayed).toBeGreaterThanOrEqual(40);
    expect((await read()).replayed).toBeLessThanOrEqual(50);
  });

  test('whenever its turns come, no second has more than one and a half times its pace', async () => {
    const delays = fc.array(fc.constantFrom(10, 90, 240, 260, 700, 1_400), { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(delays, async (delaysMs) => {
        const { world, turn } = await createWorld(120);
        const armedAt: { atMs: number; lanes: number }[] = [];
        for (const delayMs of delaysMs) {
          const before = world.armed;
          await turn();
          armedAt.push({ atMs: world.nowMs, lanes: world.armed - before });
          world.nowMs += delayMs;
        }
        for (const { atMs: fromMs } of armedAt) {
          const within = armedAt.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 1000);
          expect(within.reduce((sum, { lanes }) => sum + lanes, 0)).toBeLessThanOrEqual(30);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('rests the longer, the longer its lanes take, and is counted no oftener than that', async () => {
    const { world, turn, read, deliver } = await createWorld(4);
    for (; world.nowMs < t0 + 60_000; world.nowMs += 1000) await turn();
    expect(await read()).toMatchObject({ state: 'delivering', waiting: 4 });
    expect(world.counts).toBeGreaterThan(25);
    for (; world.nowMs < t0 + 2 * 3600_000; world.nowMs += 1000) await turn();
    expect(world.counts).toBeLessThan(350);
    await deliver(() => true);
    for (const untilMs = world.nowMs + 60_000; world.nowMs <= untilMs; world.nowMs += 1000) await turn();
    expect(await read()).toMatchObject({ state: 'done', delivered: 4 });
  });

  test('arms nothing that has died since it was made', async () => {
    const { world, turn, deliver, read, lanes } = await createWorld(3);
    const late = await storeTask(lanes.tasks, { taskId: idAt(90), url, atMs: t0 });
    await late.becomes(TaskState.FINISHED, t0);
    world.nowMs = t0 + 5;
    await deliver(() => false);
    for (let round = 0; round < 10; round += 1, world.nowMs += 3000) {
      await turn();
      await deliver(() => false);
    }
    expect(await read()).toMatchObject({ state: 'done', replayed: 3, delivered: 0, skipped: 0 });
    expect(await lanes.deadLetters.countDead({ tenantId: null })).toBe(4);
  });

  test('skips what is no longer dead when its turn comes', async () => {
    const { world, turn, read, lanes, ids } = await createWorld(4);
    const other = { replayId: 'other', tenantId: null, diedByMs: t0, nowMs: t0 };
    await lanes.deliveries.rearm(ids.slice(0, 1), other);
    for (let round = 0; round < 3; round += 1, world.nowMs += 3000) await turn();
    expect(await read()).toMatchObject({ state: 'delivering', selected: 4, replayed: 3, skipped: 1, waiting: 3 });
  });

  test('paused it arms nothing and goes on counting; cancelled it arms no more, not even what is noted', async () => {
    const { world, turn, read, replays, deliver } = await createWorld(20);
    await turn();
    expect(await read()).toMatchObject({ replayed: 5 });
    world.nowMs += 300;
    // It dies with a batch noted, and nothing of it armed.
    expect(await turn(3)).toBe(false);
    const word = { by: 'key-1', reason: null, atMs: world.nowMs } as const;
    await replays.changeReplay(null, 'r1', { ...word, action: 'pause' });
    await deliver(() => true);
    world.nowMs += leaseMs;
    await turn();
    expect(await read()).toMatchObject({ state: 'paused', replayed: 5, delivered: 5, waiting: 0 });
    await replays.changeReplay(null, 'r1', { ...word, action: 'cancel' });
    world.nowMs += leaseMs;
    await turn();
    const cancelled = await read();
    expect(cancelled).toMatchObject({ state: 'cancelled', replayed: 5, delivered: 5, endedAtMs: world.nowMs });
  });
});
