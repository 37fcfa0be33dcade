import { describe, expect, test } from '@jest/globals';
import { TaskState, type TaskId } from '@juice/contracts';
import {
  plainEndpointState,
  type CallbackLane,
  type CalledBackRecord,
  type Endpoint,
  type PendingRecord,
} from '@juice/persistence';
import { createExplainCallback } from './explain-callback.ts';

const nowMs = Date.UTC(2026, 0, 31, 9, 30);
const taskId = 806_769_905_152_840_693n as TaskId;
const in1m = new Date(nowMs + 60_000);
const ago = new Date(nowMs - 60_000);
const url = 'https://acme.example/hook';
const cause = 'status-503 https://acme.example';

function pendingOf(seq: number, status: PendingRecord['status'] = TaskState.FINISHED): PendingRecord {
  return { seq, status, at: ago, attempt: 1, message: '', reason: null, exitCode: 0 };
}

const lane: CallbackLane = { url, events: 'all', state: 'pending', pending: [pendingOf(3)], attempt: 0, dueAt: ago };
const endpoint: Endpoint = {
  ...{ endpoint: 'acme https://acme.example', stamp: 's', paused: null, changedAtMs: nowMs },
  ...plainEndpointState,
};
const open: Endpoint['breaker'] = {
  ...{ openedAtMs: nowMs - 1000, untilMs: nowMs + 60_000, reason: 'status-503' },
  seen: { consecutive: 10, failed: 10, attempts: 10 },
};

async function explain(
  given: { lane?: Partial<CallbackLane> | null; task?: Partial<CalledBackRecord>; endpoint?: Partial<Endpoint> },
  sequence: number | null = null,
) {
  const { lane: changes = {}, endpoint: state } = given;
  const callback = changes === null ? {} : { callback: { ...lane, ...changes } };
  const task = { _id: taskId, tenantId: 'acme', taskName: 'a', status: TaskState.FINISHED, ...callback, ...given.task };
  const explained = await createExplainCallback({
    lanes: { findLane: async (tenantId) => (tenantId === null || tenantId === 'acme' ? task : null) },
    tasks: {
      callbackAttempts: async () => [
        {
          ...{ seq: 2, try: 2, status: TaskState.RUNNING, url, startedAtMs: nowMs - 5000, durationMs: 100 },
          ...{ outcome: 'delivered', httpStatus: 200, cause: null, detail: null, phases: {} },
        },
      ],
    },
    endpoints: { loadEndpoints: async () => (state === undefined ? [] : [{ ...endpoint, ...state }]) },
    now: () => nowMs,
  })('acme', { taskId, sequence });
  if (!explained.ok) throw new Error('it is not there');
  return explained.answer;
}

describe('why a callback is not delivered yet', () => {
  test.each<[string, Parameters<typeof explain>[0], object]>([
    ['no receiver', { lane: null }, { why: 'no-callback' }],
    [
      'nothing yet',
      { lane: { state: 'idle', pending: [] }, task: { status: TaskState.RUNNING } },
      { why: 'nothing-yet', summary: expect.stringContaining('RUNNING') },
    ],
    [
      'all delivered',
      { lane: { state: 'idle', pending: [] }, task: { callbackAt: ago } },
      { why: 'delivered', summary: expect.stringContaining(ago.toISOString()) },
    ],
    ['due', {}, { why: 'due', nextAttemptAt: ago.toISOString(), callbackId: `${taskId}_3` }],
    [
      'backing off',
      { lane: { attempt: 2, triesLeft: 9, dueAt: in1m, notBefore: in1m, cause } },
      {
        ...{ why: 'backing-off', nextAttemptAt: in1m.toISOString(), tries: 2, triesLeft: 9, lastCause: cause },
        summary: `try 2 failed: the receiver answered 503; the next try is at ${in1m.toISOString()}, and 9 are left`,
      },
    ],
    [
      'in flight',
      { lane: { state: 'leased', dueAt: in1m, lease: { token: 't', until: in1m, since: ago, by: 'worker-1' } } },
      { why: 'in-flight', summary: `it is being sent by worker-1 since ${ago.toISOString()}` },
    ],
    [
      'dead',
      {
        lane: {
          state: 'dead',
          attempt: 12,
          cause,
          aside: 'dead',
          asideAt: ago,
          group: 'abc',
          dueAt: undefined as never,
        },
      },
      {
        ...{ why: 'dead', dead: { group: 'abc', cause: 'status-503', diedAt: ago.toISOString() } },
        summary: 'it was given up after 12 tries: the receiver answered 503; a replay sends it again',
      },
    ],
    [
      'paused by somebody',
      {
        endpoint: { paused: { atMs: nowMs, by: 'key-1', reason: 'maintenance', isOperators: false } },
        lane: { state: 'held' },
      },
      {
        ...{ why: 'endpoint-paused', endpoint: { pausedBy: 'key-1', reason: 'maintenance' } },
        summary: expect.stringMatching(/^it is held: its endpoint is paused by key-1 at .*: maintenance/),
      },
    ],
    [
      'an endpoint that is gone',
      { endpoint: { gone: { atMs: nowMs, reason: 'status-410' } } },
      { why: 'endpoint-gone', summary: expect.stringContaining('410') },
    ],
    [
      'asked to wait',
      { endpoint: { waitUntilMs: nowMs + 60_000 } },
      { why: 'endpoint-waits', nextAttemptAt: in1m.toISOString() },
    ],
    [
      'an open breaker',
      { endpoint: { breaker: open }, lane: { state: 'held' } },
      { why: 'endpoint-open', nextAttemptAt: in1m.toISOString(), endpoint: { condition: 'open' } },
    ],
    [
      'a breaker half open',
      { endpoint: { breaker: { ...open, untilMs: nowMs - 1 } }, lane: { state: 'held' } },
      { why: 'endpoint-open', endpoint: { condition: 'half-open' } },
    ],
    ['held before, called again', { endpoint: {}, lane: { state: 'held' } }, { why: 'due' }],
    ['its turn at a busy endpoint', { lane: { aside: 'waits', dueAt: in1m } }, { why: 'endpoint-busy' }],
    ['armed by a replay', { lane: { replay: 'r1 waiting' } }, { why: 'due', replayId: 'r1' }],
  ])('%s', async (_, given, expected) => {
    expect(await explain(given)).toMatchObject(expected);
  });

  test('one that waits behind another says which', async () => {
    const pending = [pendingOf(3, TaskState.RUNNING), pendingOf(5)];
    const answer = await explain({ lane: { pending, attempt: 1, triesLeft: 2, dueAt: in1m, cause } }, 5);
    expect(answer).toMatchObject({ behind: 3, callbackId: `${taskId}_5`, why: 'backing-off' });
    expect(answer.summary).toMatch(/^it waits behind sequence 3 \(RUNNING\).*try 1 failed/);
    expect(await explain({ lane: { pending } }, 3)).not.toHaveProperty('behind');
  });

  test('one that is not pending any more says what became of it', async () => {
    expect(await explain({ lane: { supersededSeqs: [1] } }, 1)).toMatchObject({ why: 'superseded' });
    expect(await explain({}, 2)).toMatchObject({ why: 'delivered', summary: expect.stringContaining('at try 2') });
    expect(await explain({}, 9)).toMatchObject({ why: 'nothing-yet' });
  });
});
