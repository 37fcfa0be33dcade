import { describe, expect, test } from '@jest/globals';
import { plainEndpointState, type EndpointState } from '@juice/persistence';
import fc from 'fast-check';
import { admit, changeEndpoint, rampAllowance, type EndpointEvent } from './endpoint-state.ts';
import { longestRetryAfterMs } from './plan-next.ts';

const nowMs = 1_750_000_000_000;
const seen = { consecutive: 10, failed: 10, attempts: 10 };
const tripped = { kind: 'tripped', reason: 'status-503', seen } as const;
const probing = { kind: 'probing', token: 'mine', leaseMs: 60_000 } as const;
const well = { kind: 'probed', token: 'mine', isWell: true, reason: '' } as const;
const unwell = { kind: 'probed', token: 'mine', isWell: false, reason: 'timeout-connect' } as const;

/** Events at their times after the start; null when the last one does not apply. */
function after(...events: readonly (readonly [number, EndpointEvent])[]): EndpointState | null {
  let state: EndpointState | null = plainEndpointState;
  for (const [ms, event] of events) {
    if (state === null) throw new Error('an event before the last one does not apply');
    state = changeEndpoint(state, event, { nowMs: nowMs + ms, random: 0.5 });
  }
  return state;
}
const openedFor = (state: EndpointState | null, fromMs: number) => (state?.breaker?.untilMs ?? NaN) - nowMs - fromMs;
const admitted = (state: EndpointState | null, ms: number) =>
  admit({ ...(state ?? plainEndpointState), paused: null }, nowMs + ms);

describe('the breaker', () => {
  test('opens for half a minute, and is not opened twice', () => {
    const open = after([0, tripped]);
    expect(openedFor(open, 0)).toBe(30_000);
    expect(open?.breaker).toMatchObject({ reason: 'status-503', seen });
    expect(admitted(open, 29_999)).toEqual({ kind: 'shut', reason: 'endpoint-open', untilMs: nowMs + 30_000 });
    expect(after([0, tripped], [1, tripped])).toBeNull();
  });

  test('is half open then: one probes, until its lease ends', () => {
    expect(after([0, tripped], [29_999, probing])).toBeNull();
    expect(admitted(after([0, tripped]), 30_000)).toEqual({ kind: 'probe' });
    const probed = after([0, tripped], [30_000, probing]);
    expect(admitted(probed, 30_000)).toMatchObject({ kind: 'shut', untilMs: nowMs + 90_000 });
    expect(after([0, tripped], [30_000, probing], [89_999, { ...probing, token: 'other' }])).toBeNull();
    expect(after([0, tripped], [30_000, probing], [90_000, { ...probing, token: 'other' }])?.probe?.token).toBe(
      'other',
    );
    expect(
      admitted(after([0, tripped], [30_000, probing], [30_001, { kind: 'unprobed', token: 'mine' }]), 30_001),
    ).toEqual({
      kind: 'probe',
    });
  });

  test('closes after a probe that was taken, and traffic grows', () => {
    const closed = after([0, tripped], [30_000, probing], [31_000, well]);
    expect(closed).toMatchObject({ breaker: null, probe: null, rampFromMs: nowMs + 31_000 });
    expect(admitted(closed, 31_000)).toEqual({ kind: 'ramp', fromMs: nowMs + 31_000, allowance: 1 });
    expect(admitted(closed, 34_000)).toMatchObject({ kind: 'ramp', allowance: 8 });
    expect(admitted(closed, 43_000)).toEqual({ kind: 'free' });
  });

  test('is open for twice as long after each probe that was not, up to a quarter of an hour', () => {
    let state = after([0, tripped]);
    const times: number[] = [];
    for (let ms = 30_000, n = 0; n < 7; n += 1) {
      const facts = { nowMs: nowMs + ms, random: 0.5 };
      state = state && changeEndpoint(state, probing, facts);
      state = state && changeEndpoint(state, unwell, facts);
      times.push(openedFor(state, ms));
      ms += openedFor(state, ms);
    }
    expect(times).toEqual([60_000, 120_000, 240_000, 480_000, 900_000, 900_000, 900_000]);
    expect(state?.breaker?.reason).toBe('timeout-connect');
  });

  test('opened again within five minutes it is open for longer; later it begins anew', () => {
    const again = (ms: number) => after([0, tripped], [30_000, probing], [30_000, well], [30_000 + ms, tripped]);
    expect(openedFor(again(299_999), 329_999)).toBe(60_000);
    expect(openedFor(again(300_000), 330_000)).toBe(30_000);
  });

  test('a probe that was overtaken changes nothing', () => {
    for (const late of [well, unwell, { kind: 'unprobed', token: 'mine' } as const])
      expect(after([0, tripped], [30_000, { ...probing, token: 'other' }], [30_001, late])).toBeNull();
  });
});

describe('what an endpoint asks for', () => {
  test('a wait shuts it, for a day at most, and then traffic grows', () => {
    const waits = after([0, { kind: 'told-to-wait', waitMs: 5_000 }]);
    expect(admitted(waits, 4_999)).toEqual({ kind: 'shut', reason: 'endpoint-waits', untilMs: nowMs + 5_000 });
    expect(admitted(waits, 5_000)).toMatchObject({ kind: 'ramp', allowance: 1 });
    const long = after([0, { kind: 'told-to-wait', waitMs: 30 * longestRetryAfterMs }]);
    expect(long?.waitUntilMs).toBe(nowMs + longestRetryAfterMs);
  });

  test('a wait that says nothing new is not written', () => {
    const wait = (waitMs: number): EndpointEvent => ({ kind: 'told-to-wait', waitMs });
    expect(after([0, wait(5_000)], [500, wait(5_000)])).toBeNull();
    expect(after([0, wait(5_000)], [0, wait(1_000)])).toBeNull();
    expect(after([0, wait(5_000)], [2_000, wait(5_000)])?.waitUntilMs).toBe(nowMs + 7_000);
  });

  test('gone is until it is resumed, and ends a breaker and a probe', () => {
    const gone = after([0, tripped], [30_000, probing], [30_001, { kind: 'gone', reason: 'status-410' }]);
    expect(gone).toMatchObject({ breaker: null, probe: null, gone: { reason: 'status-410' } });
    expect(admitted(gone, 1e12)).toEqual({ kind: 'shut', reason: 'endpoint-gone', untilMs: null });
    expect(after([0, { kind: 'gone', reason: 'a' }], [1, { kind: 'gone', reason: 'b' }])).toBeNull();
  });

  test('paused comes before all else', () => {
    const paused = { atMs: nowMs, by: 'ops', reason: null, isOperators: false };
    const gone = after([0, { kind: 'gone', reason: 'status-410' }]) ?? plainEndpointState;
    expect(admit({ ...gone, paused }, nowMs)).toEqual({ kind: 'shut', reason: 'endpoint-paused', untilMs: null });
  });
});

test('the ramp only grows, from one to all', () => {
  expect(rampAllowance(-5)).toBe(1);
  const allowances = Array.from({ length: 13 }, (_, s) => rampAllowance(s * 1_000));
  expect(allowances).toEqual([...Array.from({ length: 12 }, (_, s) => 2 ** s), Infinity]);
});

test('over any history: whatever the chance, no more than one probe at a time, and open never for long', () => {
  const event = fc.oneof(
    fc.constant<EndpointEvent>(tripped),
    fc.record({
      kind: fc.constant('probing' as const),
      token: fc.constantFrom('a', 'b'),
      leaseMs: fc.constant(60_000),
    }),
    fc.record({
      kind: fc.constant('probed' as const),
      token: fc.constantFrom('a', 'b'),
      isWell: fc.boolean(),
      reason: fc.constant('status-500'),
    }),
    fc.record({ kind: fc.constant('unprobed' as const), token: fc.constantFrom('a', 'b') }),
    fc.record({ kind: fc.constant('told-to-wait' as const), waitMs: fc.nat({ max: 2e8 }) }),
  );
  const step = fc.record({
    event,
    afterMs: fc.nat({ max: 100_000 }),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let state = plainEndpointState;
      let ms = nowMs;
      for (const { event: next, afterMs, random } of steps) {
        ms += afterMs;
        const { probe } = state;
        state = changeEndpoint(state, next, { nowMs: ms, random }) ?? state;
        if (next.kind === 'probing' && probe !== null && probe.untilMs > ms) expect(state.probe).toEqual(probe);
        if (state.breaker === null) expect(state.probe).toBeNull();
        const admission = admit({ ...state, paused: null }, ms);
        if (admission.kind === 'shut')
          expect((admission.untilMs ?? Infinity) - ms).toBeLessThanOrEqual(longestRetryAfterMs);
      }
    }),
    { numRuns: 300 },
  );
});
