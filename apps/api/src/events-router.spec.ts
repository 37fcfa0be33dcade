import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { failureAnswer, TaskState } from '@juice/contracts';
import { followEvents, openEventStream, until, type EventStreamClient } from '@juice/trial';
import { startAdmin, type AdminClient } from '../testing/admin-client.ts';
import { createApiFixture, type ApiFixture } from '../testing/api-fixture.ts';
import { createEventWorld, idOf } from '../testing/event-world.ts';
import { startHttpServer, type HttpServer } from './http-server.ts';
import { keyMemoryMs } from './verify-key.ts';

type World = Awaited<ReturnType<typeof createEventWorld>>;
type Process = ReturnType<World['serve']> & { readonly server: HttpServer; readonly fixture: ApiFixture };

let world: World;
const processes: Process[] = [];
const clients: EventStreamClient[] = [];

beforeEach(async () => {
  world = await createEventWorld();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const { streams, server } of processes.splice(0)) {
    streams.stop();
    await server.stop();
  }
});

async function start(
  settings: Parameters<World['serve']>[0] = {},
  createFixture: typeof createApiFixture = createApiFixture,
): Promise<Process> {
  const serving = world.serve(settings);
  const fixture = createFixture({ eventStreams: serving.streams });
  const server = await startHttpServer({
    app: fixture.app,
    host: '127.0.0.1',
    port: 0,
    newRequestId: () => 'request-2',
  });
  const started = { ...serving, server, fixture };
  processes.push(started);
  return started;
}

async function open(at: Process, path: string, lastEventId: string | null = null, tenantId = 't') {
  const client = await openEventStream(`${at.server.url}${path}`, { tenantId, lastEventId });
  clients.push(client);
  return client;
}

const seqs = (client: EventStreamClient): string[] =>
  client.events().map(({ taskId, sequence }) => `${BigInt(taskId) - idOf(0)}:${sequence}`);
const shows = (client: EventStreamClient, ...expected: string[]): Promise<void> =>
  until(
    `${expected.join()} to be shown, not ${seqs(client).join()}`,
    () => seqs(client).length >= expected.length,
  ).then(() => expect(seqs(client)).toEqual(expected));

describe('a stream', () => {
  test('is server-sent events, neither kept nor gathered on their way', async () => {
    const client = await open(await start(), '/v1/events');
    expect(client.status).toBe(200);
    expect(Object.fromEntries(client.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': 'request-1',
    });
    expect(client.headers.get('content-encoding')).toBeNull();
  });

  test('begins with what comes next, and tells of each transition as it is logged', async () => {
    await world.transition(1);
    const client = await open(await start(), '/v1/events');
    await world.transition(1);
    await world.transition(2, TaskState.STAGING);
    await world.transition(1, TaskState.FINISHED);
    await shows(client, '1:2', '2:1', '1:3');
    expect(client.frames.map(({ event }) => event)).toEqual([null, 'task.running', 'task.staging', 'task.finished']);
    expect(client.events()[2]).toEqual({
      ...{ taskId: idOf(1), taskIdStr: String(idOf(1)), sequence: 3, taskStatus: 2, taskStatusName: 'FINISHED' },
      ...{ attempt: 1, message: 'transition 3', at: '2026-01-01T00:00:00.000Z' },
    });
    // Before the first event, too, a client has something to come back with.
    expect(client.frames.map(({ id }) => id)).toEqual(['1-1', '1-2', '1-3', '1-4']);
  });

  test('from the start has all that is kept', async () => {
    for (const task of [1, 2, 1]) await world.transition(task);
    const client = await open(await start(), '/v1/events?from=start');
    await world.transition(2);
    await shows(client, '1:1', '2:1', '1:2', '2:2');
  });

  test('is one tenant’s', async () => {
    const at = await start();
    const mine = await open(at, '/v1/events?from=start');
    const other = await open(at, '/v1/events?from=start', null, 'other');
    await world.transition(1);
    await world.transition(2, TaskState.RUNNING, { tenantId: 'other' });
    await world.transition(1);
    await shows(mine, '1:1', '1:2');
    await shows(other, '2:1');
  });

  test('does without messages', async () => {
    const client = await open(await start({ hears: false }), '/v1/events');
    await world.transition(1);
    await shows(client, '1:1');
  });

  test('shows that it is alive, and how far it is', async () => {
    const client = await open(await start({ limits: { heartbeatMs: 5 } }), '/v1/events');
    await world.transition(1, TaskState.RUNNING, { tenantId: 'other' });
    await until('the heartbeat to have passed another’s event', () => client.frames.at(-1)?.id === '1-1');
    expect(client.frames.every(({ data }) => data === null)).toBe(true);
  });

  test('leaves one line in the log, and no trace of a failure, when its client leaves', async () => {
    const at = await start();
    const client = await open(at, '/v1/events');
    client.close();
    await until('its line', () => at.fixture.answered.length > 0);
    expect(at.fixture.answered).toMatchObject([{ route: '/v1/events', status: 200, outcome: 'ok', tenantId: 't' }]);
    await until('its end', () => at.ends.length > 0);
    expect(at.ends).toEqual(['left']);
  });

  test('is read for only while somebody follows', async () => {
    const at = await start();
    const first = await open(at, '/v1/events');
    const second = await open(at, '/v1/events', null, 'other');
    await until('it to listen', () => world.listening() === 1);
    first.close();
    second.close();
    await until('it to have ended', () => world.listening() === 0);
    await world.transition(1);
    await shows(await open(at, '/v1/events?from=start'), '1:1');
    expect(world.listening()).toBe(1);
  });
});

describe('a stream that is resumed', () => {
  test.each([
    ['by the header', '/v1/events', true],
    ['by the parameter', '/v1/events?lastEventId=', false],
    ['by the header, whatever the URL says', '/v1/events?from=start&lastEventId=1-1', true],
  ])('%s goes on behind the event that was seen last', async (_, path, byHeader) => {
    const first = await open(await start(), '/v1/events?from=start');
    await world.transition(1);
    await world.transition(2);
    await shows(first, '1:1', '2:1');
    first.close();
    await world.transition(1);
    await world.changeLeader();
    await world.transition(2);
    const last = first.lastEventId();
    const second = await open(await start(), byHeader ? path : `${path}${last}`, byHeader ? last : null);
    await world.transition(2);
    await shows(second, '1:2', '2:2', '2:3');
    expect(second.frames.map(({ id }) => id)).toEqual(['1-2', '1-3', '2-1', '2-2']);
  });

  test('goes on from where a heartbeat said it was', async () => {
    const first = await open(await start({ limits: { heartbeatMs: 5 } }), '/v1/events');
    await world.transition(1, TaskState.RUNNING, { tenantId: 'other' });
    await until('the heartbeat', () => first.lastEventId() === '1-1');
    first.close();
    await world.transition(2);
    await shows(await open(await start(), '/v1/events', first.lastEventId()), '2:1');
  });

  test('says so when what came next may be gone, and has all that is kept', async () => {
    await world.transition(1);
    world.clock.nowMs += 6 * 86_400_000;
    await world.transition(1);
    world.clock.nowMs += 2 * 86_400_000;
    world.log.purge(world.clock.nowMs);
    const at = await start();
    for (const lost of ['1-1', '7-7']) {
      const client = await open(at, '/v1/events', lost);
      await shows(client, '1:2');
      expect(client.frames[1]).toMatchObject({ event: 'reset', data: { lastEventId: lost } });
      expect(client.frames.map(({ id }) => id)).toEqual(['0-0', null, '1-2']);
    }
    // Still there, but about to go.
    world.clock.nowMs += 5 * 86_400_000 - 60_000;
    expect((await open(at, '/v1/events', '1-2')).status).toBe(200);
    const late = await open(at, '/v1/events', '1-2');
    await until('the reset', () => late.frames.some(({ event }) => event === 'reset'));
    expect((await open(at, '/v1/events', '0-0')).frames.some(({ event }) => event === 'reset')).toBe(false);
  });

  test('waits while the log cannot be read, and goes on', async () => {
    const client = await open(await start(), '/v1/events');
    world.trouble.isAway = true;
    await world.transition(1);
    await world.transition(2);
    world.trouble.isAway = false;
    await shows(client, '1:1', '2:1');
  });
});

describe('the stream of one task', () => {
  const path = (task: number): string => `/v1/tasks/${idOf(task)}/events`;

  test('has its events alone, and ends behind its end', async () => {
    const at = await start();
    await world.transition(1, TaskState.STAGING);
    const client = await open(at, `${path(1)}?from=start`);
    await world.transition(2);
    await world.transition(1);
    await world.transition(1, TaskState.FAILED);
    expect(await client.ended).toBe('ended');
    expect(seqs(client)).toEqual(['1:1', '1:2', '1:3']);
    expect(client.frames.at(-1)).toEqual({
      id: null,
      event: 'end',
      data: { taskId: idOf(1), taskIdStr: String(idOf(1)), sequence: 3, taskStatus: 3, taskStatusName: 'FAILED' },
    });
    expect(at.ends).toEqual(['ended']);
  });

  test('of a task that has ended is over at once, with all that was asked for', async () => {
    await world.transition(1);
    await world.transition(1, TaskState.FINISHED);
    const at = await start();
    const whole = await open(at, `${path(1)}?from=start`);
    expect(await whole.ended).toBe('ended');
    expect(whole.frames.map(({ event }) => event)).toEqual([null, 'task.running', 'task.finished', 'end']);
    const now = await open(at, path(1));
    expect(await now.ended).toBe('ended');
    expect(now.frames.map(({ event }) => event)).toEqual([null, 'end']);
  });

  test('that was seen to its end is not there any more', async () => {
    await world.transition(1, TaskState.FINISHED);
    await world.transition(2);
    const at = await start();
    expect(await open(at, path(1), '1-1')).toMatchObject({ status: 204, text: '' });
    expect((await open(at, path(1), '1-2')).status).toBe(204);
    const resumed = await open(at, path(1), '0-0');
    await resumed.ended;
    expect(resumed.frames.map(({ event }) => event)).toEqual([null, 'task.finished', 'end']);
  });

  test('waits for an end that is not in the log yet', async () => {
    await world.transition(1);
    await world.transition(1, TaskState.KILLED, { isLogged: false });
    const client = await open(await start(), path(1), '1-1');
    expect(client.status).toBe(200);
    await until('it to be open', () => client.frames.length > 0);
    expect(client.frames.map(({ event }) => event)).toEqual([null]);
  });

  test('does not wait for the bus to have it', async () => {
    await world.transition(1, TaskState.FINISHED);
    world.states.get(idOf(1))?.outbox.push('on its way to the bus');
    expect((await open(await start(), path(1), '1-1')).status).toBe(204);
  });

  test('of no task, or of another tenant’s, is not found', async () => {
    await world.transition(1);
    const at = await start();
    for (const client of [await open(at, path(2)), await open(at, path(1), null, 'other')]) {
      expect(client.status).toBe(404);
      expect(failureAnswer.parse(JSON.parse(client.text))).toMatchObject({ status: -2127560608 });
    }
    expect(at.streams.open).toBe(0);
  });
});

describe('what cannot be a stream is refused with what would be right', () => {
  test.each([
    ['/v1/events?from=yesterday', null, 'from must be one of start, now, not \\"yesterday\\"'],
    ['/v1/events?from=yesterday', '1-1', 'from must be one of start, now'],
    [
      '/v1/events?lastEventId=5',
      null,
      'lastEventId must be the id of an event of a stream, such as 12-345, not \\"5\\"',
    ],
    ['/v1/events?lastEventID=1-1', null, 'lastEventID must be left out: the members here are lastEventId, from'],
    ['/v1/events?since=1-1', '1-1', 'since must be left out: the members here are lastEventId, from'],
    [`/v1/tasks/${idOf(1)}/events?form=start`, null, 'form must be left out: the members here are lastEventId, from'],
    ['/v1/events?lastEventId=1-1&lastEventId=1-2', null, 'not a list of 2'],
    ['/v1/events', 'abc', 'header Last-Event-ID must be the id of an event of a stream, such as 12-345, not \\"abc\\"'],
    ['/v1/tasks/abc/events', null, 'taskId in the path must be a positive 64-bit integer, not \\"abc\\"'],
    ['/v1/tasks/0/events', null, 'taskId in the path must be'],
  ])('%s (%s)', async (path, lastEventId, words) => {
    const at = await start();
    const client = await open(at, path, lastEventId);
    expect(client.status).toBe(400);
    expect(client.text).toContain(words);
    expect(failureAnswer.safeParse(JSON.parse(client.text)).success).toBe(true);
    expect(at.fixture.answered).toMatchObject([{ outcome: 'refused' }]);
  });

  test('without a tenant, by another method, while the store is away', async () => {
    const at = await start();
    const ask = (method: string, path: string, headers = {}) => fetch(`${at.server.url}${path}`, { method, headers });
    expect((await ask('GET', '/v1/events')).status).toBe(400);
    for (const method of ['POST', 'HEAD', 'DELETE']) {
      const answer = await ask(method, '/v1/events', { 'x-tenant-id': 't' });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
    }
    world.trouble.isAway = true;
    expect(await open(at, '/v1/events')).toMatchObject({ status: 503 });
    world.trouble.isAway = false;
    expect((await open(at, '/v1/events')).status).toBe(200);
    at.fixture.setStoreKnownDown();
    expect((await open(at, '/v1/events')).status).toBe(503);
    expect(at.streams.open).toBe(1);
  });

  test('more streams than a tenant, or the process, may have', async () => {
    const at = await start({ most: 3, mostPerTenant: 2 });
    const first = await open(at, '/v1/events');
    await open(at, '/v1/events');
    const third = await open(at, '/v1/events');
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '10']);
    expect(failureAnswer.parse(JSON.parse(third.text))).toMatchObject({ status: -429 });
    expect(third.text).toContain('event streams of a tenant must be at most 2 at a time');
    expect((await open(at, '/v1/events', null, 'other')).status).toBe(200);
    const fifth = await open(at, '/v1/events', null, 'third');
    expect(fifth.status).toBe(429);
    expect(fifth.text).toContain('must be at most 3 at a time in this process');
    first.close();
    await until('its seat to be free', () => at.streams.open === 2);
    expect((await open(at, '/v1/events')).status).toBe(200);
  });
});

describe('the end of a stream', () => {
  test('comes when the service stops, at once, and its client goes on elsewhere', async () => {
    const [here, elsewhere] = [await start(), await start()];
    const client = await open(here, '/v1/events');
    await world.transition(1);
    await shows(client, '1:1');
    const stopped = here.server.stop(60_000);
    here.streams.stop();
    // Long before the grace: the test would time out.
    await stopped;
    expect(await client.ended).toBe('ended');
    expect(here.ends).toEqual(['stopped']);
    await world.transition(1);
    await shows(await open(elsewhere, '/v1/events', client.lastEventId()), '1:2');
  });

  test('comes when its client’s key does not open it any more', async () => {
    const operator: { admin?: AdminClient } = {};
    const at = await start({ recheckMs: 5 }, (settings) => (operator.admin = startAdmin(settings)));
    const { key, keyId } = (await operator.admin?.newKey('t')) ?? { key: '', keyId: '' };
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${at.server.url}/v1/events`, { headers });
    expect(response.status).toBe(200);
    await operator.admin?.admin('delete', `/v1/admin/keys/${keyId}`).expect(200);
    operator.admin?.advance(keyMemoryMs);
    // All of it: the stream ends, in order.
    expect(await response.text()).toBe('retry: 1000\nid: 0-0\n\n');
    expect(at.ends).toEqual(['denied']);
    expect((await fetch(`${at.server.url}/v1/events`, { headers })).status).toBe(401);
  });

  test('comes after a long time, too', async () => {
    const at = await start({ lifeMs: 20 });
    expect(await (await open(at, '/v1/events')).ended).toBe('ended');
    expect(at.ends).toEqual(['old']);
  });

  test('comes for a client that takes nothing, which holds up nobody else and no memory', async () => {
    const at = await start({ drainMs: 50 });
    const socket = connect(at.server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET /v1/events HTTP/1.1\r\nHost: a\r\nX-Tenant-Id: t\r\n\r\n');
    socket.pause();
    await until('it to follow', () => at.streams.open === 1);
    const quick = followEvents(() => `${at.server.url}/v1/events`, 't');
    await until('the other one, too', () => at.streams.open === 2);
    // More than a socket's buffers hold.
    const message = 'x'.repeat(20_000);
    let sent = 0;
    for (; at.ends.length === 0 && sent < 5_000; sent += 1) {
      await world.transition(1, TaskState.RUNNING, { message });
      await new Promise(setImmediate);
    }
    expect(at.ends).toContain('slow');
    await until('the quick one to have all', () => quick.events().length === sent);
    expect(quick.events().map(({ sequence }) => sequence)).toEqual(Array.from({ length: sent }, (_, n) => n + 1));
    await quick.stop();
    socket.destroy();
  });
});
