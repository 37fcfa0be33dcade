import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import type { UnreadableUpdate } from '@juice/mesos';
import { createLogger } from '@juice/observability';
import type { ObservedStatus } from '@juice/scheduling';
import { createQuarantine, type Quarantine } from './quarantine.ts';

const uuid = 'b64uuid==';
const garbled: UnreadableUpdate = {
  ...{ type: 'UNREADABLE UPDATE', detail: 'no such state', taskId: 'm-1', agentId: 'a1', uuid },
  record: new Uint8Array([1, 2, 3]),
};
const readable: ObservedStatus = {
  ...{ mesosTaskId: 'm-1', state: 'TASK_FINISHED', uuid, message: '', reason: null, agentId: 'a1', healthy: true },
};

const silent = createLogger({ service: 'test', level: 'silent' });

/** What one term stores is there for the next. */
function term(kept: Map<string, unknown>, log = silent): Quarantine {
  return createQuarantine({
    store: {
      put: (one) => Promise.resolve(void kept.set(one.key, one)),
      keys: () => Promise.resolve([...kept.keys()]),
    },
    epoch: 7,
    persevere: (_operation, attempt) => attempt(),
    onQuarantined: () => undefined,
    log,
    now: () => 1,
  });
}

test('a readable copy of an update is decided while its unreadable copy is being set aside, and in the next term', async () => {
  const kept = new Map<string, unknown>();
  const quarantine = term(kept);
  const storing = quarantine.unreadable(garbled);
  expect(quarantine.holds(readable)).toBe(false);
  await storing;
  expect(quarantine.holds(readable)).toBe(false);
  const next = term(kept);
  await next.load();
  expect(kept.size).toBe(1);
  expect(next.holds(readable)).toBe(false);
});

test('an update that the core threw over is passed over by the next term, and no other is', async () => {
  const kept = new Map<string, unknown>();
  await term(kept).fatal(readable, new Error('thrown'));
  const next = term(kept);
  await next.load();
  expect(next.holds(readable)).toBe(true);
  expect(next.holds({ ...readable, uuid: 'another' })).toBe(false);
});

test('what has no uuid is told apart by what it says', async () => {
  const kept = new Map<string, unknown>();
  const answer = { ...readable, uuid: null };
  await term(kept).fatal(answer, new Error('thrown'));
  await term(kept).unreadable({ ...garbled, uuid: null });
  await term(kept).unreadable({ ...garbled, uuid: null, record: new Uint8Array([4]) });
  expect(kept.size).toBe(3);
  const next = term(kept);
  await next.load();
  expect(next.holds(answer)).toBe(true);
  expect(next.holds({ ...answer, state: 'TASK_FAILED' })).toBe(false);
});

test('the task and the attempt that an update is of are told, as its id has them', async () => {
  const lines: string[] = [];
  const stream = new PassThrough().on('data', (line) => void lines.push(String(line)));
  const log = createLogger({ service: 'test', level: 'error', stream });
  const kept = new Map<string, unknown>();
  const quarantine = term(kept, log);
  await quarantine.unreadable({ ...garbled, taskId: 'a_task-7012-3' });
  await quarantine.fatal({ ...readable, mesosTaskId: 'a_task-7012-4' }, new Error('thrown'));
  await quarantine.unreadable({ ...garbled, taskId: 'not-ours', uuid: null });
  await log.close();
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ event: 'status.quarantined', taskId: '7012', attempt: 3, mesosTaskId: 'a_task-7012-3' }),
    expect.objectContaining({ event: 'status.quarantined', taskId: '7012', attempt: 4, agentId: 'a1' }),
    expect.objectContaining({ taskId: null, attempt: null, mesosTaskId: 'not-ours' }),
  ]);
  expect([...kept.values()]).toEqual([
    expect.objectContaining({ taskId: 7012n }),
    expect.objectContaining({ taskId: 7012n }),
    expect.objectContaining({ taskId: null }),
  ]);
});
