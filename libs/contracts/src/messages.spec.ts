import { expect, test } from '@jest/globals';
import { commandKinds, commandMessage, statusEventMessage, tasksSubmittedMessage } from './messages.ts';

test('ids travel as text and arrive as 64-bit integers', () => {
  const read = tasksSubmittedMessage.parse({ v: 1, taskIds: ['806769905152840693'] });
  expect(read.taskIds).toEqual([806769905152840693n]);
  expect(commandMessage.parse({ v: 1, kind: 'kill', taskIds: ['7'] })).toEqual({ v: 1, kind: 'kill', taskIds: [7n] });
});

test.each<[object, string]>([
  [{ v: 2, tasks: ['1'] }, 'a newer version that has what we look for no more'],
  [{ v: 0, taskIds: ['1'] }, 'no version'],
  [{ v: '1', taskIds: ['1'] }, 'a version in words'],
  [{ v: 1, taskIds: [] }, 'no id'],
  [{ v: 1, taskIds: [1] }, 'a number, which may have been rounded'],
  [{ v: 1, taskIds: ['x'] }, 'no integer'],
  [{ v: 1, taskIds: ['9223372036854775808'] }, 'above 64 bits'],
])('%j is not a message of submitted tasks: %s', (body) => {
  expect(tasksSubmittedMessage.safeParse(body).success).toBe(false);
});

test('a newer version is read for what we know of it', () => {
  expect(tasksSubmittedMessage.parse({ v: 2, taskIds: ['1'], lanes: [7] })).toEqual({ v: 2, taskIds: [1n] });
  const kill = { v: 3, kind: 'kill', taskIds: ['7'] };
  expect(commandMessage.parse({ ...kill, by: 'ops' })).toEqual({ ...kill, taskIds: [7n] });
});

test('the kinds of commands are listed', () => {
  expect(commandKinds).toEqual(['kill', 'reconcile', 'tenant-changed', 'switches-changed']);
  expect(commandMessage.safeParse({ v: 1, kind: 'tenant-changed', tenantIds: ['acme'] }).success).toBe(true);
  expect(commandMessage.safeParse({ v: 1, kind: 'tenant-changed', tenantIds: [] }).success).toBe(false);
});

test('a status event has a state that exists', () => {
  const event = {
    v: 1,
    taskId: '5',
    tenantId: 't',
    seq: 3,
    status: 2,
    attempt: 1,
    message: '',
    reason: null,
    atMs: 1,
    callback: true,
  };
  expect(statusEventMessage.parse(event)).toEqual({ ...event, taskId: 5n });
  expect(statusEventMessage.safeParse({ ...event, status: 13 }).success).toBe(false);
});
