import { beforeEach, describe, expect, test } from '@jest/globals';
import { DependencyFailure, TaskState } from '@juice/contracts';
import { parseAllowList } from '@juice/destinations';
import { createMetrics, noTracing } from '@juice/observability';
import type { ClaimedLane } from '@juice/persistence';
import { createCollectedLog } from '../testing/collected-log.ts';
import { idAt, storeTask, type CalledBackTask } from '../testing/lane-of.ts';
import { createMemoryLanes, type MemoryLanes } from '@juice/persistence/testing';
import { until } from '../testing/until.ts';
import { createAttempts, type AttemptDeps } from './attempt.ts';
import { createCallbackMetrics } from './callback-metrics.ts';
import type { Admission } from './endpoint-state.ts';
import type { Post, PostResult } from './http-sender.ts';
import { parseSigningKey } from './sign.ts';
import type { TenantRules } from './tenant-rules.ts';
import { createWhoseFault } from './whose-fault.ts';

const leaseMs = 60_000;
const startMs = 1_750_000_000_000;
const timings = { lookupMs: null, connectMs: 1, tlsMs: null, firstByteMs: 2, totalMs: 3 };
const answer = (status: number, headers: Record<string, string> = {}): PostResult => {
  return { kind: 'answered', status, headers, body: Buffer.from('said'), isBodyWhole: true, timings };
};
const refused: PostResult = { kind: 'failed', phase: 'connect', code: 'ECONNREFUSED', timings };

/** A worker over lanes in memory, whose receiver says what the test tells it to. */
function createWorld() {
  const lanes = createMemoryLanes();
  const posts: Post[] = [];
  const script: (PostResult | (() => Promise<PostResult>))[] = [];
  const { log, lines, of } = createCollectedLog();
  const closing = new AbortController();
  const abandoning = new AbortController();
  const key = parseSigningKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  const allow = parseAllowList([]);
  if (key === null || allow === null) throw new Error('the test is wrong');
  const world = {
    ...{ lanes, posts, script, lines, closing, abandoning },
    nowMs: startMs,
    tokens: 0,
    postponed: [] as number[],
    rules: { schedule: [0, 5_000, 30_000], keysAt: () => [key] } as TenantRules,
    /** What the endpoint is told of each attempt, and what may be sent to it. */
    noted: [] as unknown[],
    admission: { kind: 'free' } as Admission,
    claim: async (task: CalledBackTask): Promise<ClaimedLane> => {
      const claim = { nowMs: world.nowMs, token: `token-${world.tokens++}`, leaseMs, by: 'worker' };
      const lane = await lanes.deliveries.claim(task.taskId, claim);
      if (lane === null) throw new Error('the lane could not be claimed');
      return lane;
    },
    deliver: async (task: CalledBackTask) => attempts.deliver(await world.claim(task)),
    stored: async (task: CalledBackTask) => {
      const [record] = await lanes.tasks.findTasks('acme', [task.taskId]);
      return record;
    },
    logged: of,
  };
  const endpoints: AttemptDeps['endpoints'] = {
    admission: () => world.admission,
    note: (endpoint, noted, probe) => void world.noted.push([endpoint, noted, probe]),
    rampFromMs: () => null,
    reasonOf: () => 'status-503',
  };
  const attempts = createAttempts({
    store: lanes.deliveries,
    send: async (post) => {
      posts.push(post);
      const next = script.shift() ?? answer(200);
      return typeof next === 'function' ? next() : next;
    },
    ...{ allow, leaseMs, closing: closing.signal, abandoning: abandoning.signal },
    endpoints,
    rulesOf: Object.assign(async () => world.rules, { forgetAll: () => undefined }),
    onPostponed: (atMs) => void world.postponed.push(atMs),
    whoseFault: createWhoseFault(),
    tracing: noTracing,
    userAgent: 'juice-callback/test',
    now: () => world.nowMs,
    random: () => 0.5,
    log,
    metrics: createCallbackMetrics(createMetrics('callback')),
  });
  return { ...world, world, attempts };
}

describe('working on a lane', () => {
  let made: ReturnType<typeof createWorld>;
  let lanes: MemoryLanes;
  let task: CalledBackTask;
  beforeEach(async () => {
    made = createWorld();
    lanes = made.lanes;
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const url = 'https://receiver.example/done';
    task = await storeTask(lanes.tasks, { taskId: idAt(1), url, atMs: startMs, traceparent });
    await task.becomes(TaskState.RUNNING, startMs);
  });
  const bodies = () => made.posts.map(({ body }) => body.toString());
  const ids = () => made.posts.map(({ headers }) => headers['webhook-id']);

  test('one POST, one line, one record; the lane is idle', async () => {
    await made.deliver(task);
    expect(made.posts[0]).toMatchObject({
      url: new URL('https://receiver.example/done'),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'juice-callback/test',
        'webhook-id': `${task.taskId}_2`,
        'webhook-timestamp': String(startMs / 1000),
        'webhook-signature': expect.stringMatching(/^v1,/),
        'juice-attempt': '1',
        traceparent: expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/),
      },
    });
    expect(made.lines).toMatchObject([
      {
        event: 'callback.attempted',
        deliveryId: `${task.taskId}_2`,
        status: 'RUNNING',
        outcome: 'delivered',
        traceId: '0af7651916cd43dd8448eb211c80319c',
      },
    ]);
    expect(lanes.attempts).toMatchObject([
      { seq: 2, try: 1, outcome: 'delivered', httpStatus: 200, cause: null, detail: 'said', phases: { connectMs: 1 } },
    ]);
    expect((await made.stored(task))?.callback).toMatchObject({ state: 'idle', pending: [] });
  });

  test('states follow one another in order under one lease, one that arrives meanwhile too', async () => {
    await task.becomes(TaskState.UNREACHABLE, startMs);
    made.script.push(answer(204), async () => {
      await task.becomes(TaskState.FINISHED, startMs + 1);
      return answer(200);
    });
    await made.deliver(task);
    expect(ids()).toEqual([2, 3, 4].map((seq) => `${task.taskId}_${seq}`));
    expect((await made.stored(task))?.purgeAt).toBeInstanceOf(Date);
  });

  test('every try of a state has the same id and the same bytes, and a timestamp of its own', async () => {
    made.script.push(answer(503), refused);
    for (const waitMs of [0, 5_000, 30_000]) {
      made.world.nowMs += waitMs;
      await made.deliver(task);
    }
    expect(new Set(ids()).size).toBe(1);
    expect(new Set(bodies()).size).toBe(1);
    expect(made.posts.map(({ headers }) => headers['juice-attempt'])).toEqual(['1', '2', '3']);
    expect(made.posts.map(({ headers }) => Number(headers['webhook-timestamp']) - startMs / 1000)).toEqual([0, 5, 35]);
    expect(lanes.attempts.map(({ outcome, cause }) => [outcome, cause])).toEqual([
      ['failed', 'status-503'],
      ['failed', 'connect-refused'],
      ['delivered', null],
    ]);
  });

  test('a failed state waits for its next try, which Retry-After may put off', async () => {
    made.script.push(answer(429, { 'retry-after': '600' }));
    await made.deliver(task);
    expect((await made.stored(task))?.callback).toMatchObject({
      state: 'pending',
      attempt: 1,
      cause: 'status-429 https://receiver.example',
      dueAt: new Date(startMs + 600_000),
    });
    expect(made.logged('callback.attempted')).toMatchObject([{ next: 'retry', retryAt: '2025-06-15T15:16:40.000Z' }]);
    expect(made.postponed).toEqual([startMs + 600_000]);
  });

  test('after a failure what a newer state has overtaken is dropped; the end is not', async () => {
    await task.becomes(TaskState.UNREACHABLE, startMs);
    await task.becomes(TaskState.FINISHED, startMs);
    made.script.push(answer(500));
    await made.deliver(task);
    expect(made.logged('callback.superseded')).toMatchObject([{ seqs: [2, 3] }]);
    made.world.nowMs += 5_000;
    await made.deliver(task);
    expect(ids()).toEqual([`${task.taskId}_2`, `${task.taskId}_4`]);
    expect(made.posts[1]?.headers['juice-attempt']).toBe('1');
  });

  test('when the tries are used up the lane is dead, until a later state, which has its own', async () => {
    for (let tries = 1; tries <= 3; tries += 1) {
      made.script.push(answer(500));
      await made.deliver(task);
      made.world.nowMs += 30_000;
    }
    expect((await made.stored(task))?.callback).toMatchObject({
      state: 'dead',
      cause: 'status-500 https://receiver.example',
    });
    expect(made.logged('callback.dead')).toMatchObject([{ level: 'warn', exhausted: true }]);
    await task.becomes(TaskState.FINISHED, made.world.nowMs);
    await made.deliver(task);
    expect(ids().at(-1)).toBe(`${task.taskId}_3`);
    expect((await made.stored(task))?.callback).toMatchObject({ state: 'idle' });
  });

  test('410 holds the lane; a target that may not be called is dead at once, without a POST', async () => {
    made.script.push(answer(410));
    await made.deliver(task);
    expect((await made.stored(task))?.callback).toMatchObject({
      state: 'held',
      cause: 'status-410 https://receiver.example',
    });
    expect(made.logged('callback.held')).toHaveLength(1);
    const inside = await storeTask(lanes.tasks, { taskId: idAt(2), url: 'http://169.254.169.254/x', atMs: startMs });
    await inside.becomes(TaskState.FINISHED, startMs);
    await made.deliver(inside);
    expect(made.posts).toHaveLength(1);
    expect((await made.stored(inside))?.callback).toMatchObject({
      state: 'dead',
      cause: 'forbidden-address http://169.254.169.254',
    });
    expect(lanes.attempts.at(-1)).toMatchObject({ outcome: 'rejected', httpStatus: null, detail: null });
  });

  test('a fault of ours leaves no trace on the lane but a delay', async () => {
    made.script.push({ kind: 'failed', phase: 'lookup', code: 'EAI_AGAIN', timings });
    await made.deliver(task);
    expect((await made.stored(task))?.callback).toMatchObject({
      state: 'pending',
      attempt: 0,
      dueAt: new Date(startMs + 30_000),
    });
    expect(lanes.attempts).toEqual([]);
  });

  test('a worker whose lease was taken over changes nothing', async () => {
    made.script.push(async () => {
      made.world.nowMs += leaseMs;
      await made.claim(task);
      return answer(500);
    });
    await made.deliver(task);
    expect((await made.stored(task))?.callback).toMatchObject({
      state: 'leased',
      lease: { token: 'token-1' },
      attempt: 0,
    });
    expect(made.logged('callback.attempted')).toMatchObject([{ stale: true }]);
  });

  describe('its endpoint', () => {
    const endpoint = 'acme https://receiver.example';
    const shut = { kind: 'shut', reason: 'endpoint-open', untilMs: null } as const;

    test.each<[string, PostResult, object]>([
      ['that takes it has answered', answer(200), { kind: 'answered' }],
      ['that refuses the request has answered too', answer(404), { kind: 'answered' }],
      ['that fails has failed', answer(500), { kind: 'failed', reason: 'status-500', waitMs: null }],
      ['that asks for time', answer(503, { 'retry-after': '60' }), { kind: 'failed', waitMs: 60_000 }],
      ['that is not there', refused, { kind: 'failed', reason: 'connect-refused' }],
      ['that is gone', answer(410), { kind: 'gone', reason: 'status-410' }],
      ['that was not called', { kind: 'forbidden', timings }, { kind: 'nothing' }],
      ['that we could not reach', { kind: 'failed', phase: 'connect', code: 'EMFILE', timings }, { kind: 'nothing' }],
    ])('%s', async (_, result, noted) => {
      made.script.push(result);
      await made.attempts.deliver(await made.claim(task), 'the-probe');
      expect(made.world.noted).toEqual([[endpoint, expect.objectContaining(noted), 'the-probe']]);
    });

    test('that was shut meanwhile gets nothing more: the lane is held, uncharged, until its schedule would be over', async () => {
      await task.becomes(TaskState.FINISHED, startMs);
      made.script.push(async () => {
        made.world.admission = shut;
        return answer(200);
      });
      await made.deliver(task);
      expect(made.posts).toHaveLength(1);
      expect((await made.stored(task))?.callback).toMatchObject({
        state: 'held',
        attempt: 0,
        cause: 'endpoint-open https://receiver.example',
        dueAt: new Date(startMs + 60_000),
      });
    });

    test('that stayed shut for the whole schedule: the lane is dead, without a try, for the reason it was shut', async () => {
      made.world.nowMs += 35_000;
      await made.attempts.shelve(await made.claim(task), shut);
      expect((await made.stored(task))?.callback).toMatchObject({
        state: 'dead',
        attempt: 0,
        cause: 'status-503 https://receiver.example',
      });
      expect(made.logged('callback.dead')).toMatchObject([{ exhausted: true }]);
      expect(made.posts).toEqual([]);
    });

    test('a probe that was not made is given back', async () => {
      made.closing.abort();
      await made.attempts.deliver(await made.claim(task), 'the-probe');
      expect(made.world.noted).toEqual([[endpoint, { kind: 'nothing' }, 'the-probe']]);
    });
  });

  test("the first try waits for the tenant's first delay", async () => {
    made.world.rules = { ...made.world.rules, schedule: [10_000, 1_000] };
    await made.deliver(task);
    expect(made.posts).toEqual([]);
    expect((await made.stored(task))?.callback).toMatchObject({ attempt: 0, dueAt: new Date(startMs + 10_000) });
    made.world.nowMs += 10_000;
    await made.deliver(task);
    expect(made.posts).toHaveLength(1);
  });

  describe('when MongoDB fails', () => {
    const failure = (retryable: boolean) =>
      new DependencyFailure({ dependency: 'mongodb', operation: 'settle', retryable, detail: 'away' });

    test('settling is tried again: the receiver does not get the state twice', async () => {
      let failures = 2;
      lanes.onOperation = (operation) => {
        if (operation === 'settleDelivered' && failures-- > 0) throw failure(true);
      };
      await made.deliver(task);
      expect(made.posts).toHaveLength(1);
      expect((await made.stored(task))?.callback).toMatchObject({ state: 'idle' });
    });

    test('past the lease the lane is left to the sweep, which repeats the state under the same id', async () => {
      lanes.onOperation = (operation) => {
        if (operation !== 'settleDelivered') return;
        made.world.nowMs += leaseMs;
        throw failure(true);
      };
      await expect(made.deliver(task)).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE' });
      lanes.onOperation = () => undefined;
      await made.deliver(task);
      expect(new Set(ids())).toEqual(new Set([`${task.taskId}_2`]));
      expect(made.posts).toHaveLength(2);
    });

    test('the log of attempts does not keep a lane from being settled', async () => {
      lanes.onOperation = (operation) => {
        if (operation === 'logAttempt') throw failure(true);
      };
      await made.deliver(task);
      expect((await made.stored(task))?.callback).toMatchObject({ state: 'idle' });
    });
  });

  describe('when we are stopping', () => {
    test('the next state is left to another worker, at once and uncharged', async () => {
      await task.becomes(TaskState.FINISHED, startMs);
      made.script.push(async () => {
        made.closing.abort();
        return answer(200);
      });
      await made.deliver(task);
      expect(made.posts).toHaveLength(1);
      expect((await made.stored(task))?.callback).toMatchObject({
        state: 'pending',
        attempt: 0,
        dueAt: new Date(startMs),
      });
    });

    test('an attempt that was given up is not charged', async () => {
      let isPosting = false;
      made.script.push(
        () =>
          new Promise((resolve) => {
            isPosting = true;
            made.abandoning.signal.addEventListener('abort', () => resolve({ kind: 'stopped' }));
          }),
      );
      const delivering = made.deliver(task);
      await until(() => isPosting);
      made.closing.abort();
      made.abandoning.abort();
      await delivering;
      expect((await made.stored(task))?.callback).toMatchObject({
        state: 'pending',
        attempt: 0,
        pending: [{ seq: 2 }],
      });
      expect(lanes.attempts).toEqual([]);
    });
  });
});
