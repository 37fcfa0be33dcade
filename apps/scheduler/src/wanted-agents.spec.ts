import { expect, test } from '@jest/globals';
import type { AgentAttribute } from '@juice/scheduling';
import { agentFilter } from './wanted-agents.ts';

const text = (name: string, value: string): AgentAttribute => ({ name, kind: 'text', text: value });
const set: AgentAttribute = { name: 'tags', kind: 'set', items: ['b', 'x'] };

test.each<[string, readonly AgentAttribute[], boolean]>([
  ['a|b,c', [text('one', 'a'), text('two', 'c')], true],
  ['a|b,c', [set, text('two', 'c')], true],
  ['a|b,c', [text('one', 'a')], false],
  ['a|b,c', [], false],
  ['3', [{ name: 'level', kind: 'scalar', value: 3 }], true],
  [' a | b ', [text('one', 'b')], true],
])('%j of %j: %p', (filter, attributes, isWanted) => {
  expect(agentFilter().parse(filter)(attributes)).toBe(isWanted);
});

test.each(['', ',', 'a,,b', 'a|'])('%j is no filter', (filter) => {
  expect(agentFilter().safeParse(filter).success).toBe(false);
});
