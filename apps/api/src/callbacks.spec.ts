import { beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { fingerprintOf } from '@juice/persistence';
import { adminKey, startAdmin, type AdminClient } from '../testing/admin-client.ts';
import { seedInstantMs } from '../testing/api-fixture.ts';
import { createDeadLanes, idOf } from '../testing/dead-lanes.ts';

type Answered = { readonly status: number; readonly body: { data: Record<string, unknown>; message: string } };

let world: ReturnType<typeof createDeadLanes>;
let client: AdminClient;
beforeEach(() => {
  world = createDeadLanes();
  client = startAdmin({ auth: 'header', callbacks: world.callbacks });
});

async function ask(
  method: 'get' | 'post',
  path: string,
  given: { tenant?: string | null; body?: object } = {},
): Promise<Answered> {
  const { tenant = 'acme', body } = given;
  const at = tenant === null ? `/v1/admin/callbacks${path}` : `/v1/callbacks${path}`;
  const sent = request(client.app)[method](at);
  if (tenant === null) void sent.set('Authorization', `Bearer ${adminKey}`);
  else void sent.set('X-Tenant-Id', tenant);
  const { status, body: answer } = await (body === undefined ? sent : sent.send(body));
  return { status, body: answer as Answered['body'] };
}
const get = (path: string, tenant?: string | null) => ask('get', path, tenant === undefined ? {} : { tenant });
const post = (path: string, body?: object, tenant?: string | null) =>
  ask('post', path, { ...(body !== undefined && { body }), ...(tenant !== undefined && { tenant }) });
const idsOf = ({ body }: Answered) => (body.data['dead'] as { taskIdStr: string }[]).map(({ taskIdStr }) => taskIdStr);
const ids = (...numbers: number[]) => numbers.map((n) => String(idOf(n)));
const group = fingerprintOf('acme https://acme.example', 'status-503');

describe('dead callbacks', () => {
  beforeEach(async () => {
    for (const n of [1, 2, 3]) await world.die(idOf(n), { atMs: seedInstantMs - 5000 + n });
    await world.die(idOf(4), { reason: 'timeout-connect', url: 'https://other.example:8443/a?token=b' });
    await world.die(idOf(5), { tenantId: 'zeta' });
  });

  test('are told with their cause, to their tenant alone and to operators', async () => {
    const { body } = await get('/dead?limit=1');
    expect(body.data['dead']).toEqual([
      {
        ...{ callbackId: `${idOf(1)}_1`, taskIdStr: String(idOf(1)), taskName: 'night-1', tenant: 'acme' },
        ...{ url: 'https://acme.example/hook', endpoint: 'https://acme.example', group, cause: 'status-503' },
        ...{ causeText: 'the receiver answered 503', taskStatus: 6, taskStatusName: 'KILLED', tries: 1, pending: 1 },
        diedAt: new Date(seedInstantMs - 4999).toISOString(),
        taskId: expect.any(Number),
      },
    ]);
    expect(idsOf(await get('/dead'))).toEqual(ids(1, 2, 3, 4));
    expect(idsOf(await get('/dead', 'zeta'))).toEqual(ids(5));
    expect(idsOf(await get('/dead', null))).toEqual(ids(1, 2, 3, 4, 5));
    expect(idsOf(await get('/dead?tenant=zeta', null))).toEqual(ids(5));
  });

  test('are found by what is given, all of which must hold', async () => {
    const since = new Date(seedInstantMs - 4998).toISOString();
    const cases: readonly (readonly [string, readonly number[]])[] = [
      [`group=${group}`, [1, 2, 3]],
      ['endpoint=https://OTHER.example:8443/whatever', [4]],
      ['cause=timeout-connect', [4]],
      [`since=${since}&group=${group}`, [2, 3]],
      [`until=${since}`, [1]],
      ['cause=status-503&endpoint=https://other.example:8443', []],
    ];
    for (const [query, expected] of cases)
      expect([query, idsOf(await get(`/dead?${query}`))]).toEqual([query, ids(...expected)]);
  });

  test('are read page by page; a cursor of another tenant’s leads into one’s own', async () => {
    const first = await get('/dead?limit=3');
    expect(idsOf(first)).toEqual(ids(1, 2, 3));
    const cursor = String(first.body.data['nextCursor']);
    expect(idsOf(await get(`/dead?limit=3&cursor=${cursor}`))).toEqual(ids(4));
    expect(idsOf(await get(`/dead?cursor=${cursor}`, 'zeta'))).toEqual(ids(5));
  });

  test('are grouped by what they were given up for', async () => {
    const { body } = await get('/dead-groups');
    expect(body.data).toMatchObject({
      groups: [
        { group, tenant: 'acme', count: 3, cause: 'status-503', sample: ids(1, 3) },
        { endpoint: 'https://other.example:8443', count: 1, causeText: 'there was no connection in time' },
      ],
      isComplete: true,
    });
    expect((await get('/dead-groups?limit=1')).body.data).toMatchObject({ isComplete: false });
    expect((await get('/dead-groups', 'zeta')).body.data['groups']).toHaveLength(1);
    expect((await get('/dead-groups', null)).body.data['groups']).toHaveLength(3);
  });

  test.each([
    [
      '/dead?grupp=1',
      'grupp must be left out: the members here are group, endpoint, cause, since, until, cursor, limit',
    ],
    ['/dead?tenant=zeta', 'tenant must be left out'],
    ['/dead?group=x', 'group must be a group of dead callbacks'],
    ['/dead?endpoint=acme', 'endpoint must be the origin of a receiver'],
    ['/dead?endpoint=ftp://acme.example', 'endpoint must be the origin of a receiver'],
    ['/dead?since=yesterday', 'since must be an instant'],
    ['/dead?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', 'until must be later than since'],
    ['/dead?cursor=abc', 'cursor must be a cursor as nextCursor gives it, not "abc"'],
    ['/replays?cursor=abc', 'cursor must be a cursor as nextCursor gives it, not "abc"'],
    ['/endpoints?cursor=abc', 'cursor must be a cursor as nextCursor gives it, not "abc"'],
    ['/dead?limit=0', 'limit must be an integer from 1 to 1000'],
    ['/nosuch', 'callbackId in the path must be a webhook-id as callbacks have it'],
  ])('%s is refused', async (path, message) => {
    const { status, body } = await get(path);
    expect(status).toBe(400);
    expect(body.message).toContain(message);
  });
});

describe('replays', () => {
  const reason = 'the receiver is repaired';
  beforeEach(async () => {
    for (const n of [1, 2, 3]) await world.die(idOf(n));
    await world.die(idOf(4), { reason: 'status-404' });
    await world.die(idOf(5), { tenantId: 'zeta' });
  });

  test('a dry run counts and shows, and makes none', async () => {
    const { status, body } = await post('/replays', { filter: { cause: 'status-503' }, dryRun: true });
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ dryRun: true, matched: 3, sample: [{ group }, { group }, { group }] });
    expect((await get('/replays')).body.data).toEqual({ replays: [] });
  });

  test.each<[string, object, number, object]>([
    ['a group', { group }, 3, { group, tenant: 'acme' }],
    ['ids, another tenant’s left out', { ids: [`${idOf(1)}_1`, String(idOf(5))] }, 1, { ids: 2 }],
    ['a filter', { filter: { endpoint: 'https://acme.example' } }, 4, { endpoint: 'https://acme.example' }],
    ['all', { filter: { all: true } }, 4, { tenant: 'acme' }],
  ])('of %s: what is dead now, with who asks and why', async (_, choice, selected, shown) => {
    const { status, body } = await post('/replays', { ...choice, reason, ratePerSecond: 7 });
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      ...{ state: 'running', selected, replayed: 0, tenant: 'acme', by: 'tenant acme', reason, ratePerSecond: 7 },
      choice: { ...shown, until: new Date(seedInstantMs + 1).toISOString() },
      words: [{ action: 'create', by: 'tenant acme', reason }],
    });
    const replayId = String(body.data['replayId']);
    expect((await get(`/replays/${replayId}`)).body.data).toEqual(body.data);
    const [stored] = await world.callbacks.replays.listReplays('acme', null, 1);
    expect(stored?.choice).toMatchObject({ tenantId: 'acme', untilMs: seedInstantMs + 1 });
  });

  test('of a group that nothing dead is in is refused, also as a dry run', async () => {
    const gone = fingerprintOf('acme https://acme.example', 'status-500');
    for (const body of [
      { group: gone, reason },
      { group: gone, dryRun: true },
    ]) {
      const answer = await post('/replays', body);
      const message = `group must be one of dead-groups: nothing is dead in ${gone}`;
      expect([answer.status, answer.body.message]).toEqual([404, expect.stringContaining(message)]);
    }
    expect((await post('/replays', { group, reason }, 'zeta')).status).toBe(404);
    expect((await get('/replays', null)).body.data).toEqual({ replays: [] });
  });

  test('one tenant’s are not there for another, and are for operators', async () => {
    const replayId = String((await post('/replays', { group, reason })).body.data['replayId']);
    for (const [path, method] of [
      [`/replays/${replayId}`, 'get'],
      [`/replays/${replayId}/pause`, 'post'],
      [`/replays/${replayId}/cancel`, 'post'],
    ] as const)
      expect((await ask(method, path, { tenant: 'zeta' })).status).toBe(404);
    expect((await get('/replays', 'zeta')).body.data).toEqual({ replays: [] });
    expect((await get('/replays', null)).body.data['replays']).toHaveLength(1);
    expect((await post(`/replays/${replayId}/pause`, {}, null)).body.data).toMatchObject({ state: 'paused' });
    expect((await get(`/replays/${replayId}`)).body.data['words']).toMatchObject([
      { by: 'tenant acme' },
      { action: 'pause', by: 'bootstrap' },
    ]);
  });

  test('are paused, resumed and cancelled, and not in a state that has nothing for it', async () => {
    const replayId = String((await post('/replays', { group, reason })).body.data['replayId']);
    const say = async (word: string, body?: object) => {
      const answer = await post(`/replays/${replayId}/${word}`, body);
      return [answer.status, answer.body.data?.['state'] ?? answer.body.message];
    };
    expect(await say('resume')).toEqual([409, expect.stringContaining('must be paused to resume it, and is running')]);
    expect(await say('pause', { reason: 'they are busy' })).toEqual([200, 'paused']);
    expect(await say('resume')).toEqual([200, 'running']);
    expect(await say('cancel')).toEqual([200, 'cancelled']);
    expect(await say('pause')).toEqual([409, expect.stringContaining('is cancelled')]);
    expect(await say('pause', { why: 1 })).toEqual([400, expect.stringContaining('why must be left out')]);
  });

  test('are bounded in number for a tenant', async () => {
    for (let n = 0; n < 10; n += 1) expect((await post('/replays', { group, reason })).status).toBe(200);
    const { status, body } = await post('/replays', { group, reason });
    expect([status, body.message]).toEqual([429, expect.stringContaining('10 replays running or paused')]);
    expect((await post('/replays', { group, reason }, null)).status).toBe(200);
    expect((await post('/replays', { filter: { all: true }, reason }, 'zeta')).status).toBe(200);
  });

  test('with a key, the same request makes one, also when nothing is dead any more', async () => {
    const send = (key: string, body: object, tenant = 'acme') =>
      request(client.app)
        .post('/v1/callbacks/replays')
        .set({ 'X-Tenant-Id': tenant, 'Idempotency-Key': key })
        .send(body);
    const first = await send('monday', { group, reason });
    expect(first.status).toBe(200);
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    const replayId = String((first.body as Answered['body']).data['replayId']);
    const rearming = { replayId, tenantId: 'acme', diedByMs: seedInstantMs, nowMs: seedInstantMs };
    await world.lanes.deliveries.rearm([1, 2, 3].map(idOf), rearming);
    const again = await send('monday', { reason, group });
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([200, 'true']);
    expect(again.body).toEqual(first.body);
    const other = await send('monday', { filter: { all: true }, reason });
    expect([other.status, other.body.message]).toEqual([
      409,
      expect.stringContaining('Idempotency-Key must be a new one'),
    ]);
    expect((await send('monday', { filter: { all: true }, reason }, 'zeta')).status).toBe(200);
    expect((await send('', { filter: { all: true }, reason })).status).toBe(400);
    expect((await get('/replays')).body.data['replays']).toHaveLength(1);
  });

  test('are listed page by page, the newest first', async () => {
    for (let n = 0; n < 3; n += 1, client.advance(1000)) await post('/replays', { group, reason: `${n}` });
    const first = await get('/replays?limit=2');
    expect(first.body.data['replays']).toMatchObject([{ reason: '2' }, { reason: '1' }]);
    const next = await get(`/replays?limit=2&cursor=${String(first.body.data['nextCursor'])}`);
    expect(next.body.data).toMatchObject({ replays: [{ reason: '0' }] });
    expect(next.body.data).not.toHaveProperty('nextCursor');
  });

  test('of operators may name a tenant, and are kept in the audit trail', async () => {
    const { body } = await post('/replays', { filter: { tenant: 'zeta' }, reason }, null);
    expect(body.data).toMatchObject({ selected: 1, by: 'bootstrap', choice: { tenant: 'zeta' } });
    expect(body.data).not.toHaveProperty('tenant');
    const replayId = String(body.data['replayId']);
    await post(`/replays/${replayId}/cancel`, { reason: 'enough' }, null);
    expect(client.audits.records).toMatchObject([
      {
        ...{ action: 'replay.created', actor: 'bootstrap', tenantId: 'zeta', outcome: 'done' },
        detail: { tenant: 'zeta', reason, replayId, selected: 1 },
      },
      { action: 'replay.cancelled', target: replayId, detail: { reason: 'enough' }, outcome: 'done' },
    ]);
  });

  test.each<[string, object, string]>([
    ['nothing said', { reason }, 'filter must be given: exactly one of ids, group and filter'],
    [
      'too much said',
      { reason, group, filter: { all: true } },
      'group must be left out: exactly one of ids, group and',
    ],
    [
      'ids and a filter',
      { reason, ids: ['1'], filter: { all: true } },
      'ids must be left out: exactly one of ids, group',
    ],
    ['no reason', { group }, 'reason must be a reason: why these are sent again'],
    ['a blank reason', { group, reason: ' ' }, 'reason must be a reason of at most 500 characters'],
    ['an empty filter', { reason, filter: {} }, 'filter must be an object that says which dead callbacks are meant'],
    [
      'all and more',
      { reason, filter: { all: true, cause: 'a' } },
      'filter.all must be left out where the filter says more',
    ],
    ['a filter that is misspelt', { reason, filter: { endpont: 'x' } }, 'filter.endpont must be left out'],
    ['another tenant', { reason, filter: { tenant: 'zeta' } }, 'filter.tenant must be left out'],
    ['no ids', { reason, ids: [] }, 'ids must be a list of at least one id'],
    ['an id that is none', { reason, ids: ['1_2_3'] }, 'ids[0] must be a webhook-id as callbacks have it'],
    ['a pace of nothing', { reason, group, ratePerSecond: 0 }, 'ratePerSecond must be an integer from 1 to 1000'],
  ])('are refused with %s', async (_, body, message) => {
    const answer = await post('/replays', body);
    expect(answer.body.message).toContain(message);
    expect(answer.status).toBe(400);
  });
});

describe('endpoints', () => {
  const endpoint = 'https://acme.example';

  test('are paused with who and why, listed, and resumed', async () => {
    const paused = await post('/endpoints/pause', { endpoint: `${endpoint}/hook`, reason: 'maintenance' });
    const at = new Date(seedInstantMs).toISOString();
    expect(paused.body.data).toEqual({
      ...{
        tenant: 'acme',
        endpoint,
        condition: 'paused',
        pausedBy: 'tenant acme',
        pausedAt: at,
        reason: 'maintenance',
      },
      summary: `paused by tenant acme at ${at}: maintenance; nothing is sent until it is resumed`,
      changedAt: at,
    });
    expect((await get('/endpoints')).body.data).toEqual({ endpoints: [paused.body.data] });
    expect((await get('/endpoints', 'zeta')).body.data).toEqual({ endpoints: [] });
    expect((await get('/endpoints', null)).body.data['endpoints']).toHaveLength(1);
    await post('/endpoints/resume', { endpoint }, 'zeta');
    expect((await get('/endpoints')).body.data).toMatchObject({ endpoints: [{ condition: 'paused' }] });
    expect((await post('/endpoints/resume', { endpoint })).body.data).toMatchObject({ condition: 'free' });
    expect((await post('/endpoints/resume', { endpoint: 'https://never.seen' })).body.data).toMatchObject({
      condition: 'free',
    });
  });

  test('an operator names the tenant, and it is kept', async () => {
    expect((await post('/endpoints/pause', { endpoint }, null)).body.message).toContain('tenant must be');
    await post('/endpoints/pause', { tenant: 'acme', endpoint, reason: 'they asked' }, null);
    expect((await get('/endpoints')).body.data).toMatchObject({ endpoints: [{ pausedBy: 'bootstrap' }] });
    expect(client.audits.records).toMatchObject([
      { action: 'endpoint.paused', tenantId: 'acme', target: endpoint, detail: { reason: 'they asked' } },
    ]);
  });

  test('what an operator has paused, its tenant neither resumes nor pauses anew', async () => {
    await post('/endpoints/pause', { tenant: 'acme', endpoint, reason: 'a flood' }, null);
    for (const word of ['resume', 'pause']) {
      const { status, body } = await post(`/endpoints/${word}`, { endpoint });
      expect([status, body.message]).toEqual([
        409,
        expect.stringMatching(
          /endpoint must be one that no operator has paused: .*: a flood; .* until an operator resumes it$/,
        ),
      ]);
    }
    expect((await get('/endpoints')).body.data).toMatchObject({ endpoints: [{ condition: 'paused' }] });
    const resumed = await post('/endpoints/resume', { tenant: 'acme', endpoint }, null);
    expect(resumed.body.data).toMatchObject({ condition: 'free' });
  });
});

describe('the audit trail', () => {
  test('keeps what a tenant does to its callbacks, as its own', async () => {
    await world.die(idOf(1));
    const endpoint = 'https://acme.example';
    const replayId = String((await post('/replays', { group, reason: 'repaired' })).body.data['replayId']);
    await post(`/replays/${replayId}/cancel`, { reason: 'enough' });
    await post('/endpoints/pause', { endpoint });
    await post('/endpoints/resume', { endpoint });
    await post('/replays', { group, dryRun: true });
    const own = { actor: 'tenant acme', tenantId: 'acme', outcome: 'done' };
    expect(client.audits.records).toMatchObject([
      { ...own, action: 'replay.created', detail: { reason: 'repaired', replayId, selected: 1 } },
      { ...own, action: 'replay.cancelled', target: replayId, detail: { reason: 'enough' } },
      { ...own, action: 'endpoint.paused', target: endpoint },
      { ...own, action: 'endpoint.resumed', target: endpoint },
    ]);
  });
});

describe('one callback', () => {
  test('is shown with its death, by its webhook-id or its task’s id, to its tenant and to operators', async () => {
    await world.die(idOf(1));
    for (const [path, tenant] of [
      [`/${idOf(1)}`, 'acme'],
      [`/${idOf(1)}_1`, 'acme'],
      [`/${idOf(1)}`, null],
    ] as const)
      expect((await get(path, tenant)).body.data).toMatchObject({
        ...{ lane: { state: 'dead', pending: [{ sequence: 1 }] }, tries: [] },
        dead: { group, cause: 'status-503', causeText: 'the receiver answered 503' },
      });
    for (const [path, tenant] of [
      [`/${idOf(1)}`, 'zeta'],
      [`/${idOf(1)}_1/explain`, 'zeta'],
      [`/${idOf(9)}`, 'acme'],
      [`/${idOf(9)}`, null],
    ] as const)
      expect([path, tenant, (await get(path, tenant)).status]).toEqual([path, tenant, 404]);
  });
});

describe('a test of a receiver', () => {
  test('that no worker takes is told as such', async () => {
    const { status, body } = await post('/test', { url: 'https://acme.example/hook' });
    const message = 'no callback worker has taken the test within 10 seconds, and none will';
    expect([status, body.message]).toEqual([503, expect.stringContaining(message)]);
  });

  test.each([
    ['http://127.0.0.1:9999/', /url must not lead to an address .*, not "127\.0\.0\.1:9999"$/],
    ['https://acme.example:22/', /url must have port 80, .*, not "acme\.example:22"$/],
    ['ftp://acme.example/', /url must be an http or https URL, not "ftp:"$/],
    ['https://u:secret@acme.example/', /url must hold no user and no password$/],
    ['acme.example', /url must be a whole URL, with a host$/],
    ['https://acme.example/#part', /url must be a whole URL, with a host and without a fragment, not "https:.*"$/],
  ])('is asked for where callbacks may go alone: not %s', async (url, message) => {
    const { status, body } = await post('/test', { url });
    expect([status, body.message]).toEqual([400, expect.stringMatching(message)]);
    const [refused] = (body as unknown as { details: readonly { member: string }[] }).details;
    expect(refused?.member).toBe('url');
    expect(await world.callbacks.tests.takeTest(0)).toBeNull();
  });

  test('is refused while a tenant has three under way, and its worker is at them', async () => {
    const sinceMs = seedInstantMs;
    for (const testId of ['a', 'b', 'c']) {
      const asked = { testId, tenantId: 'acme', url: 'https://acme.example/', askedAtMs: seedInstantMs };
      await world.callbacks.tests.askTest(asked, { most: 3, sinceMs });
      await world.callbacks.tests.takeTest(sinceMs);
    }
    expect((await post('/test', { url: 'https://acme.example/' })).status).toBe(429);
    expect((await post('/test', { url: 'https://acme.example/' }, 'zeta')).status).toBe(503);
    client.advance(60_000);
    expect((await post('/test', { url: 'https://acme.example/' })).status).toBe(503);
  });
});
