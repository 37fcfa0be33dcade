import { expect, test } from '@jest/globals';
import { adminKey, startAdmin } from '../testing/admin-client.ts';
import { createPoison } from './poison.ts';

const death = { queue: 'juice.callback.events', reason: 'rejected', atMs: 0 } as const;

function createSource() {
  const messages = [1, 2, 3].map((n) => ({ ...death, bytes: n, start: `${n}` }));
  return {
    isUp: () => true,
    peekPoison: async (limit: number) => ({ count: messages.length, messages: messages.slice(0, limit) }),
    redrivePoison: async (limit: number) => ({ redriven: messages.splice(0, limit).length, left: 0 }),
  };
}

test('poison is shown to operators, the oldest first', async () => {
  const client = startAdmin({ poison: createSource() });
  const { body } = await client.admin('get', '/v1/admin/poison?limit=1').expect(200);
  const at = '1970-01-01T00:00:00.000Z';
  const message = { queue: 'juice.callback.events', reason: 'rejected', at, bytes: 1, start: '1' };
  expect(body).toMatchObject({ data: { count: 3, messages: [message] } });
  await client.admin('get', '/v1/admin/poison?limit=101').expect(400);
});

test('of what is not known nothing is told', async () => {
  const unknown = { queue: null, reason: null, atMs: null, bytes: 1, start: 'x' };
  const source = { ...createSource(), peekPoison: async () => ({ count: 1, messages: [unknown] }) };
  const shown = await createPoison({ broker: source }).show({});
  expect(shown).toEqual({ ok: true, answer: { count: 1, messages: [{ bytes: 1, start: 'x' }] } });
});

test('is put back with a reason, which is kept', async () => {
  const client = startAdmin({ poison: createSource() });
  const refused = await client.admin('post', '/v1/admin/poison/redrive', {}).expect(400);
  expect((refused.body as { message: string }).message).toContain('reason must be');
  const { body } = await client.admin('post', '/v1/admin/poison/redrive', { limit: 2, reason: 'repaired' }).expect(200);
  expect(body).toMatchObject({ data: { redriven: 2, left: 0 } });
  expect(client.audits.records).toMatchObject([
    { action: 'poison.redriven', outcome: 'done', detail: { reason: 'repaired', limit: 2, redriven: 2 } },
  ]);
});

test('while the broker is away nothing is done, and that is said', async () => {
  const client = startAdmin({ poison: { ...createSource(), isUp: () => false } });
  for (const [method, path, body] of [
    ['get', '/v1/admin/poison', undefined],
    ['post', '/v1/admin/poison/redrive', { reason: 'r' }],
  ] as const) {
    const answer = await client.withKey(adminKey, method, path, body).expect(503);
    expect((answer.body as { message: string }).message).toContain('the broker is not reachable; nothing was done');
  }
});
