import { expect, test } from '@jest/globals';
import { declareQueues, matchesPattern } from './topology.ts';

test.each([
  ['task.*.t', 'task.RUNNING.t', true],
  ['task.*', 'task.RUNNING.t', false],
  ['*', '', false],
  ['#', '', true],
  ['#', 'a.b.c', true],
  ['task.#', 'task', true],
  ['task.#', 'task.a.b', true],
  ['task.#', 'tasks.a', false],
  ['#.end', 'a.b.end', true],
  ['#.end', 'end', true],
  ['a.#.z', 'a.z', true],
  ['a.#.*.z', 'a.z', false],
  ['a.#.*.z', 'a.b.c.z', true],
  ['', '', true],
])('%p against %p: %p', (pattern, key, expected) => expect(matchesPattern(pattern, key)).toBe(expected));

// RabbitMQ 3.10 has no limit of its own and 4.x drops without an exchange: whatever is left out differs between them.
test('every work queue states its kind, its limit and where its dead go', () => {
  for (const { queue, arguments: given } of declareQueues('p.')) {
    expect(given['x-queue-type']).toBe('quorum');
    expect(given['x-delivery-limit']).toBeGreaterThan(0);
    expect(given['x-dead-letter-exchange']).toBe(queue === 'juice.poison' ? undefined : 'p.juice.poison');
  }
});
