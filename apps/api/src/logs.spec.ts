import { createServer, get as httpGet, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { DependencyFailure, TaskState, type LogStream } from '@juice/contracts';
import { failureOf } from '../testing/admin-client.ts';
import { createApiFixture, sandboxOf, seedInstantMs } from '../testing/api-fixture.ts';
import { until } from '../testing/until.ts';
import type { FoundAttempt } from './find-tasks.ts';
import type { SandboxFiles } from './read-log.ts';

// GET /v1/tasks/{taskId}/logs/{stream}

const at = new Date(seedInstantMs);

function attempt(n: number, facts: Partial<FoundAttempt> = {}): FoundAttempt {
  const ended = { state: 'TASK_FAILED', endedAt: at };
  return { ...sandboxOf(n), ...{ n, agentId: 'S1', agentHost: `node-${n}`, launchedAt: at }, ...ended, ...facts };
}

const running = { state: 'running', endedAt: undefined } as unknown as Partial<FoundAttempt>;

/** What agents hold, by Mesos' id of the task and the file; agents give three bytes at once. */
function createAgents() {
  const held = new Map<string, string>();
  let failure: DependencyFailure | null = null;
  const look = (id: string, file: LogStream): Buffer | null => {
    if (failure !== null) throw failure;
    const text = held.get(`${id}/${file}`);
    return text === undefined ? null : Buffer.from(text);
  };
  const files: SandboxFiles = {
    size: async ({ mesosTaskId }, file) => look(mesosTaskId, file)?.length ?? null,
    read: async ({ mesosTaskId }, file, { offset, length }) =>
      look(mesosTaskId, file)?.subarray(offset, offset + Math.min(length, 3)) ?? null,
  };
  return {
    files,
    held,
    fail(retryable: boolean) {
      failure = new DependencyFailure({
        dependency: 'mesos-agent',
        operation: 'read',
        retryable,
        detail: '10.0.0.1:5051',
      });
    },
  };
}

/** An agent that is waited for until nobody wants to know any more. */
function answersNever(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const facts = { dependency: 'mesos-agent', operation: 'read', retryable: true, detail: 'was not waited for' };
    const fail = (): void => reject(new DependencyFailure(facts));
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail);
  });
}

async function start(
  attempts: readonly FoundAttempt[] = [attempt(1)],
  settings: { readonly stopping?: AbortSignal; readonly slow?: Partial<SandboxFiles> } = {},
) {
  const agents = createAgents();
  const { slow, ...rest } = settings;
  const fixture = createApiFixture({ files: { ...agents.files, ...slow }, ...rest });
  const submitted = request(fixture.app).post('/v1/tasks').set('X-Tenant-Id', 't');
  await submitted.send({ taskName: 'a', commands: 'true' }).expect(200);
  const [taskId] = fixture.tasks.stored.keys();
  if (taskId === undefined) throw new Error('nothing was stored');
  fixture.tasks.change(taskId, { attempts, status: TaskState.RUNNING });
  const get = (rest: string, tenant = 't') =>
    request(fixture.app).get(`/v1/tasks/${taskId}/logs/${rest}`).set('X-Tenant-Id', tenant);
  return { ...fixture, ...agents, taskId, get };
}

describe('what a task has written', () => {
  test('comes as it is, with its place, of the last attempt unless another is named', async () => {
    const { held, get } = await start([attempt(1), attempt(2)]);
    held.set('a-1-1/stdout', 'first').set('a-1-2/stdout', 'größer <b>').set('a-1-2/stderr', '');
    const last = await get('stdout').expect(200).expect('content-type', 'text/plain; charset=utf-8');
    expect(last.text).toBe('größer <b>');
    expect(last.headers).toMatchObject({
      ...{ 'x-log-attempt': '2', 'x-log-offset': '0', 'x-log-size': '12', 'content-length': '12' },
      'x-content-type-options': 'nosniff',
    });
    expect((await get('stdout?attempt=1').expect(200)).text).toBe('first');
    expect((await get('stderr').expect(200)).text).toBe('');
  });

  test.each([
    ['offset=4', 'efghij', 4],
    ['offset=4&length=2', 'ef', 4],
    ['offset=-3', 'hij', 7],
    ['offset=-3&length=1', 'h', 7],
    ['offset=-100', 'abcdefghij', 0],
    ['offset=100', '', 100],
    ['length=0', '', 0],
  ])('in part: %s', async (query, text, offset) => {
    const { held, get } = await start();
    held.set('a-1-1/stdout', 'abcdefghij');
    const answer = await get(`stdout?${query}`).expect(200).expect('x-log-offset', String(offset));
    expect(answer.text).toBe(text);
    expect(answer.headers['content-length']).toBe(String(text.length));
  });

  test('HEAD tells how much there is', async () => {
    const { app, held, taskId } = await start();
    held.set('a-1-1/stdout', 'abc');
    const path = `/v1/tasks/${taskId}/logs/stdout`;
    await request(app).head(path).set('X-Tenant-Id', 't').expect(200).expect('x-log-size', '3');
  });
});

describe('what there is not', () => {
  test('a task of another tenant', async () => {
    const { held, get } = await start();
    held.set('a-1-1/stdout', 'secret');
    expect((await get('stdout', 'other').expect(404)).text).not.toContain('secret');
  });

  test.each([
    {
      what: 'not launched yet',
      attempts: [],
      status: TaskState.NOT_START,
      rest: 'stdout',
      answered: 404,
      said: 'not been launched',
    },
    {
      what: 'never launched',
      attempts: [],
      status: TaskState.EXPIRED,
      rest: 'stdout',
      answered: 404,
      said: 'without having been',
    },
    {
      ...{ what: 'no such attempt', attempts: [attempt(1)], status: TaskState.FAILED },
      ...{ rest: 'stdout?attempt=2', answered: 404, said: 'there are 1 to 1' },
    },
    {
      ...{ what: 'about to begin', attempts: [attempt(1, running)], status: TaskState.RUNNING },
      ...{ rest: 'stdout', answered: 404, said: 'still being started' },
    },
    {
      ...{ what: 'removed since', attempts: [attempt(1)], status: TaskState.FAILED },
      ...{ rest: 'stderr', answered: 410, said: 'no more on node-1' },
    },
  ])('$what', async ({ attempts, status, rest, answered, said }) => {
    const { tasks, taskId, get } = await start(attempts);
    tasks.change(taskId, { status });
    expect(failureOf(await get(rest).expect(answered)).message).toContain(said);
  });

  test.each([
    [true, 'does not answer'],
    [false, 'the operator has to look'],
  ])('an agent that fails (for a while: %p), whose address is not told', async (retryable, said) => {
    const { fail, get } = await start();
    fail(retryable);
    const refused = await get('stdout').expect(503);
    expect(failureOf(refused).message).toContain(said);
    expect(refused.text).not.toContain('10.0.0.1');
  });

  test.each([
    ['stdin', 'stream'],
    ['stdout?offset=x', 'offset'],
    ['stdout?length=-1', 'length'],
    ['stdout?attempt=0', 'attempt'],
    ['stdout?follow=perhaps', 'follow'],
    ['stdout?tail=5', 'tail'],
  ])('%s is told to be wrong', async (rest, member) => {
    const { get } = await start();
    expect(failureOf(await get(rest).expect(400)).details).toEqual([expect.objectContaining({ member })]);
  });
});

describe('what is written meanwhile', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  const port = (at: Server | undefined): number => (at?.address() as AddressInfo).port;

  /** Follows over a connection of its own. */
  async function follow(world: Awaited<ReturnType<typeof start>>, rest = 'stdout?follow=true', at?: number) {
    if (at === undefined) {
      server = createServer(world.app);
      await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    }
    const url = `http://127.0.0.1:${at ?? port(server)}/v1/tasks/${world.taskId}/logs/${rest}`;
    const seen = { text: '', isOver: false, isCut: false };
    const client = httpGet(url, { headers: { 'X-Tenant-Id': 't' } }, (answer: IncomingMessage) => {
      answer.on('data', (bytes) => (seen.text += String(bytes)));
      answer.on('end', () => (seen.isOver = true));
      answer.on('error', () => (seen.isCut = true));
    });
    client.on('error', () => (seen.isCut = true));
    return { seen, leave: () => client.destroy() };
  }

  test('is followed until the attempt has ended, to its last byte', async () => {
    const world = await start([attempt(1, running)]);
    world.held.set('a-1-1/stdout', 'one ');
    const { seen } = await follow(world);
    await until('the first', () => seen.text === 'one ');
    world.held.set('a-1-1/stdout', 'one two ');
    await until('the second', () => seen.text === 'one two ');
    world.held.set('a-1-1/stdout', 'one two three');
    world.tasks.change(world.taskId, { attempts: [attempt(1), attempt(2, running)] });
    await until('the end', () => seen.isOver);
    expect(seen.text).toBe('one two three');
  });

  test('is followed by so many of a tenant at a time, and by others when those have left', async () => {
    const world = await start([attempt(1, running)]);
    world.held.set('a-1-1/stdout', 'abc');
    const { seen, leave } = await follow(world);
    const { seen: other } = await follow(world, 'stdout?follow=true', port(server));
    await until('both', () => seen.text === 'abc' && other.text === 'abc');
    const refused = await world.get('stdout?follow=true').expect(429);
    expect(failureOf(refused).message).toContain('logs that are followed of a tenant must be at most 2 at a time');
    expect((await world.get('stdout').expect(200)).text).toBe('abc');
    leave();
    await until('the first to have left', () => world.answered.some(({ outcome }) => outcome === 'aborted'));
    world.tasks.change(world.taskId, { attempts: [attempt(1)] });
    expect((await world.get('stdout?follow=true').expect(200)).text).toBe('abc');
  });

  test('is followed for so many bytes and no more', async () => {
    const world = await start([attempt(1, running)]);
    world.held.set('a-1-1/stdout', 'abcdef');
    const { seen } = await follow(world, 'stdout?follow=true&offset=1&length=4');
    await until('the end', () => seen.isOver);
    expect(seen.text).toBe('bcde');
  });

  test('an agent that leaves in between cuts the answer off, and is told of in the log', async () => {
    const world = await start([attempt(1, running)]);
    world.held.set('a-1-1/stdout', 'abc');
    const { seen } = await follow(world);
    await until('something', () => seen.text === 'abc');
    world.fail(true);
    await until('the cut', () => seen.isCut);
    await until('the log', () => world.answered.some(({ route }) => route.endsWith('/logs/{stream}')));
    expect(world.answered.at(-1)).toMatchObject({ error: expect.any(DependencyFailure) });
  });

  test('ends in order when the service stops, also while the agent is asked', async () => {
    const stopping = new AbortController();
    const asked: number[] = [];
    const world = await start([attempt(1, running)], {
      stopping: stopping.signal,
      slow: {
        read: async (_of, _file, { offset }, signal) => {
          asked.push(offset);
          return offset === 0 ? Buffer.from('abc') : answersNever(signal);
        },
      },
    });
    world.held.set('a-1-1/stdout', 'abcdef');
    const { seen } = await follow(world);
    await until('the agent to be asked again', () => seen.text === 'abc' && asked.length === 2);
    stopping.abort();
    await until('the end', () => seen.isOver);
    expect(seen).toEqual({ text: 'abc', isOver: true, isCut: false });
    await until('the log', () => world.answered.length === 2);
    expect(world.answered.at(-1)).toMatchObject({ status: 200, outcome: 'ok', error: undefined });
  });

  test('is not begun when the service stops, and what is not followed is read as ever', async () => {
    const stopping = new AbortController();
    const world = await start([attempt(1, running)], {
      stopping: stopping.signal,
      slow: {
        size: async (_of, file, signal) => {
          if (file === 'stdout') return 3;
          stopping.abort();
          return signal.aborted ? answersNever(signal) : 3;
        },
      },
    });
    world.held.set('a-1-1/stdout', 'abc');
    for (const stream of ['stderr', 'stdout', 'stdout']) {
      const refused = await world.get(`${stream}?follow=true`).expect(503);
      expect(failureOf(refused).message).toContain('the service is stopping');
    }
    expect((await world.get('stdout').expect(200)).text).toBe('abc');
  });

  test('nobody is asked any more for a client that has left', async () => {
    const world = await start([attempt(1, running)]);
    world.held.set('a-1-1/stdout', 'abc');
    const { seen, leave } = await follow(world);
    await until('something', () => seen.text === 'abc');
    leave();
    await until('the end', () => world.answered.some(({ outcome }) => outcome === 'aborted'));
  });
});
