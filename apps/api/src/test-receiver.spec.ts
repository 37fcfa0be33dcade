import { EventEmitter } from 'node:events';
import type { Response } from 'express';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { CallbackTestAnswer } from '@juice/contracts';
import { parseAllowList } from '@juice/destinations';
import { createMemoryCallbackTests } from '@juice/persistence/testing';
import { overOf } from './request-over.ts';
import { createTestReceiver } from './test-receiver.ts';

const url = 'https://acme.example/hook';
const told: CallbackTestAnswer = {
  ...{ url, webhookId: 'test_1', outcome: 'delivered', summary: 'it is taken', phases: [], durationMs: 1 },
  ...{ headers: {}, signatures: 1, worker: 'worker-1' },
};

/** Waits pass at once; `onWait` is what happens meanwhile. */
function createWorld() {
  const tests = createMemoryCallbackTests();
  const world = { tests, nowMs: 0, onWait: async (): Promise<void> => undefined };
  const allow = parseAllowList([]);
  if (allow === null) throw new Error('not an allow list');
  const receive = createTestReceiver({
    ...{ tests, allow, now: () => world.nowMs },
    async wait(ms) {
      world.nowMs += ms;
      await world.onWait();
    },
  });
  return { world, receive };
}

describe('the wait for a test of a receiver', () => {
  let over: AbortController;
  beforeEach(() => void (over = new AbortController()));

  test('ends with what the worker tells', async () => {
    const { world, receive } = createWorld();
    world.onWait = async () => {
      const taken = await world.tests.takeTest(0);
      if (taken !== null) await world.tests.tellTest(taken.testId, told);
    };
    expect(await receive('acme', url, over.signal)).toEqual({
      ok: true,
      answer: told,
      noted: { outcome: 'delivered' },
    });
  });

  test('ends after ten seconds when no worker has taken it, and then none will', async () => {
    const { world, receive } = createWorld();
    expect(await receive('acme', url, over.signal)).toMatchObject({ ok: false, reason: 'unavailable' });
    expect(world.nowMs).toBe(10_000);
    expect(await world.tests.takeTest(0)).toBeNull();
  });

  test('goes on for a slow receiver, and says so when it was too slow', async () => {
    const { world, receive } = createWorld();
    world.onWait = async () => void (await world.tests.takeTest(0));
    const { problems } = (await receive('acme', url, over.signal)) as { problems: readonly { message: string }[] };
    expect(problems[0]?.message).toContain('has taken the test, and has not told within 25 seconds');
    expect(world.nowMs).toBe(25_000);
  });

  test('ends when nobody waits any more, and what no worker has taken is not made', async () => {
    const { world, receive } = createWorld();
    world.onWait = async () => over.abort();
    const { problems } = (await receive('acme', url, over.signal)) as { problems: readonly { message: string }[] };
    expect(problems[0]?.message).toContain('the service is stopping');
    expect(world.nowMs).toBe(200);
    expect(await world.tests.takeTest(0)).toBeNull();
  });

  test('of many who ask at once no more than three are under way', async () => {
    const { world, receive } = createWorld();
    world.onWait = async () => void (await world.tests.takeTest(0));
    const answers = await Promise.all(Array.from({ length: 6 }, () => receive('acme', url, over.signal)));
    const reasons = answers.map((answer) => (answer.ok ? 'ok' : answer.reason));
    expect(reasons.toSorted()).toEqual([...Array(3).fill('too-many'), ...Array(3).fill('unavailable')]);
  });
});

test('a request is over when its client leaves, or the service stops', () => {
  const stopping = new AbortController();
  const response = () => new EventEmitter() as unknown as Response;
  const [left, waiting] = [response(), response()];
  const overs = [overOf(left, stopping.signal), overOf(waiting, stopping.signal)];
  left.emit('close');
  expect(overs.map(({ aborted }) => aborted)).toEqual([true, false]);
  stopping.abort();
  expect(overs.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(overOf(response(), stopping.signal).aborted).toBe(true);
});
