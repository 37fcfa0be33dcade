import { expect, test } from '@jest/globals';
import type { UnreadableUpdate } from '@juice/mesos';
import { createLogger } from '@juice/observability';
import type { ObservedStatus } from '@juice/scheduling';
import { createQuarantine, type Quarantine, type QuarantineStore } from './quarantine.ts';

const uuid = 'b64uuid==';
const garbled: UnreadableUpdate = {
  ...{ type: 'UNREADABLE UPDATE', detail: 'no such state', taskId: 'm-1', agentId: 'a1', uuid },
  record: new Uint8Array([1, 2, 3]),
};
const readable: ObservedStatus = {
  ...{ mesosTaskId: 'm-1', state: 'TASK_FINISHED', uuid, message: '', reason: null, agentId: 'a1', healthy: true },
};

/** What one term stores is there for the next. */
function term(kept: Map<string, unknown>, put?: QuarantineStore['put']): Quarantine {
  return createQuarantine({
    store: {
      put: put ?? ((one) => Promise.resolve(void kept.set(one.key, one))),
      keys: () => Promise.resolve([...kept.keys()]),
    },
    epoch: 7,
    persevere: (_operation, attempt) => attempt(),
    onQuarantined: () => undefined,
    log: createLogger({ service: 'test', level: 'silent' }),
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
