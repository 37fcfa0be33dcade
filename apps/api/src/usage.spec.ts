import { beforeEach, describe, expect, test } from '@jest/globals';
import { noUsage, type EventCursor, type UsageAmounts } from '@juice/contracts';
import request from 'supertest';
import { adminKey } from '../testing/admin-client.ts';
import { createApiFixture, type ApiFixture } from '../testing/api-fixture.ts';

const admin = { authorization: `Bearer ${adminKey}` };
let api: ApiFixture;

beforeEach(async () => {
  api = createApiFixture({ adminKey });
  const use = (tenantId: string, day: string, place: number, amounts: Partial<UsageAmounts>) => ({
    ...{ tenantId, day, place: BigInt(place) as EventCursor },
    amounts: { ...noUsage, ...amounts },
  });
  await api.usage.countUses([
    use('acme', '2026-01-30', 1, { tasks: 2, finished: 2, cpuSeconds: 10 }),
    use('acme', '2026-01-31', 2, { tasks: 1, failed: 1, cpuSeconds: 0.1 + 0.2 }),
    use('globex', '2026-01-31', 3, { tasks: 9 }),
    use('acme', '2026-02-01', 4, { tasks: 100 }),
    use('acme', '2016-12-01', 5, { tasks: 7 }),
    use('acme', '2016-12-09', 6, { tasks: 8 }),
  ]);
});

describe('GET /v1/usage', () => {
  const ask = (query: object) => request(api.app).get('/v1/usage').query(query).set('x-tenant-id', 'acme');

  test('tells a tenant its own days, and their sum', async () => {
    const { body } = await ask({ firstDay: '2026-01-01', lastDay: '2026-01-31' }).expect(200);
    expect(body).toEqual({
      status: 0,
      message: 'OK',
      data: {
        days: [
          { day: '2026-01-30', ...noUsage, tasks: 2, finished: 2, cpuSeconds: 10 },
          { day: '2026-01-31', ...noUsage, tasks: 1, failed: 1, cpuSeconds: 0.3 },
        ],
        total: { ...noUsage, tasks: 3, finished: 2, failed: 1, cpuSeconds: 10.3 },
      },
    });
  });

  test('a tenant that has used nothing has no days', async () => {
    const { body } = await ask({ firstDay: '2025-01-01', lastDay: '2025-12-31' }).expect(200);
    expect((body as { data: object }).data).toEqual({ days: [], total: noUsage });
  });

  test('without days it tells those of this month, up to today', async () => {
    const { body } = await ask({}).expect(200);
    expect((body as { data: { days: unknown[] } }).data.days).toMatchObject([{ day: '2016-12-01', tasks: 7 }]);
  });

  test.each([
    [{ firstDay: '2026-02-30' }, 'firstDay', 'a day of UTC, such as 2026-01-31'],
    [{ firstDay: '2026-02-02', lastDay: '2026-02-01' }, 'firstDay', 'a day up to lastDay, 2026-02-01'],
    [{ firstDay: '2026-01-01', lastDay: '2027-01-02' }, 'firstDay', 'at most 366 days'],
    [{ lastDay: '2026-01-31', tenant: 'globex' }, 'tenant', 'left out'],
  ])('%j is refused, for %s', async (query, member, words) => {
    const { text } = await ask(query).expect(400);
    expect(text).toContain(member);
    expect(text).toContain(words);
  });
});

describe('GET /v1/admin/usage', () => {
  const ask = (query: object) => request(api.app).get('/v1/admin/usage').query(query).set(admin);
  const range = { firstDay: '2026-01-01', lastDay: '2026-02-28' };
  const data = (response: request.Response) =>
    (response.body as { data: { usage: { day: string; tenantId: string }[]; nextCursor?: string } }).data;

  test('tells everybody’s days, page after page', async () => {
    const first = data(await ask({ ...range, limit: 3 }).expect(200));
    expect(first.usage.map(({ day, tenantId }) => `${day} ${tenantId}`)).toEqual([
      '2026-01-30 acme',
      '2026-01-31 acme',
      '2026-01-31 globex',
    ]);
    const second = data(await ask({ ...range, limit: 3, cursor: first.nextCursor }).expect(200));
    expect(second).toEqual({ usage: [{ day: '2026-02-01', tenantId: 'acme', ...noUsage, tasks: 100 }] });
  });

  test('tells those of one tenant', async () => {
    const { usage } = data(await ask({ ...range, tenant: 'globex' }).expect(200));
    expect(usage).toEqual([{ day: '2026-01-31', tenantId: 'globex', ...noUsage, tasks: 9 }]);
  });

  test('is refused without an admin key, and for a cursor that was not given', async () => {
    await request(api.app).get('/v1/admin/usage').query(range).set('x-tenant-id', 'acme').expect(401);
    const { text } = await ask({ ...range, cursor: 'acme' }).expect(400);
    expect(text).toContain('nextCursor of the page before');
  });
});
