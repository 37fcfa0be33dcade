import { expect, test } from '@jest/globals';
import { readiness } from './readiness.ts';

const leader = { ok: true, role: 'leader', epoch: 3 };

test('with all it needs it is ready, and tells its role', () => {
  const checks = { mongodb: true, rabbitmq: true };
  expect(readiness(leader, checks)).toEqual({ ...leader, checks, degraded: [] });
});

test('without the broker it is ready, and says what is slower', () => {
  expect(readiness(leader, { mongodb: true, rabbitmq: false })).toMatchObject({
    ok: true,
    checks: { rabbitmq: false },
    degraded: [expect.stringContaining('the broker is away')],
  });
});

test('without MongoDB, or before it has loaded, it is not', () => {
  expect(readiness(leader, { mongodb: false, rabbitmq: true })).toMatchObject({ ok: false });
  expect(readiness({ ...leader, ok: false }, { mongodb: true, rabbitmq: true })).toMatchObject({ ok: false });
});
