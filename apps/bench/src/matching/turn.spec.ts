import { expect, test } from '@jest/globals';
import { takeTurn, ways } from './turn.ts';

const offered = { cpuMillis: 4_000, memMb: 8_000 };

test.each(ways)('%s: all that fits is placed', (way) => {
  const turn = takeTurn(way, { waiting: 2_500, running: 20, tenants: 7, agents: 1_000, offered });
  expect(turn.placed).toBe(2_500);
  expect(turn.cpuMs).toBeGreaterThan(0);
});

test('where nothing fits nothing is placed', () => {
  const load = { waiting: 500, running: 0, tenants: 7, agents: 10, offered: { cpuMillis: 50, memMb: 48 } };
  expect([takeTurn('frames of 1,000', load).placed, takeTurn('first-fit', load).placed]).toEqual([0, 0]);
});
