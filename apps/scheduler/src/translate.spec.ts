import { describe, expect, test } from '@jest/globals';
import { eventFromJson } from '@juice/mesos/testing';
import { toCoreEvents, toOffer, toStatus } from './translate.ts';

const status = { task_id: { value: 't' }, state: 'TASK_FAILED' } as const;

describe('planned maintenance', () => {
  const offer = { id: { value: 'o' }, framework_id: { value: 'f' }, agent_id: { value: 'a' }, hostname: 'h' };
  const start = { nanoseconds: 1_700_000_000_000_000_000 };

  test.each([
    [undefined, null],
    [
      { start, duration: { nanoseconds: 60e9 } },
      { fromMs: 1_700_000_000_000, untilMs: 1_700_000_060_000 },
    ],
    [{ start }, { fromMs: 1_700_000_000_000, untilMs: Infinity }],
  ])('%j of an offer', (unavailability, expected) => {
    const [event] = [eventFromJson({ type: 'OFFERS', offers: { offers: [{ ...offer, unavailability }] } })];
    if (event.type !== 'OFFERS') throw new Error('no offers');
    expect(event.offers.offers.map(toOffer)).toMatchObject([{ unavailability: expected }]);
  });

  test('each inverse offer is an event', () => {
    const asked = (id: string, agent: object) => ({
      id: { value: id },
      framework_id: { value: 'f' },
      unavailability: { start },
      ...agent,
    });
    const inverse_offers = [asked('i1', { agent_id: { value: 'a1' } }), asked('i2', {})];
    const event = eventFromJson({ type: 'INVERSE_OFFERS', inverse_offers: { inverse_offers } });
    expect(toCoreEvents(event, 7)).toEqual([
      { kind: 'inverse.offered', atMs: 7, inverseOfferId: 'i1', agentId: 'a1' },
      { kind: 'inverse.offered', atMs: 7, inverseOfferId: 'i2', agentId: null },
    ]);
  });
});

test('a message is kept up to a length that a document can hold many of', () => {
  expect(toStatus({ ...status, message: 'x'.repeat(1_000_000) }).message).toHaveLength(4_096);
  expect(toStatus(status).message).toBe('');
});
