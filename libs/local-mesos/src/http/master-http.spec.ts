import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encodeCall } from '@juice/mesos';
import { loadHttpErrors } from '@juice/mesos/testing';
import { probeFramework, send, subscribeProbe, textOf, type SchedulerProbe } from '../../testing/scheduler-probe.ts';
import { startLocalMesos, type LocalMesos } from '../local-mesos.ts';

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

let dataDir: string;
let mesos: LocalMesos;
let probe: SchedulerProbe;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'local-mesos-'));
  mesos = await startLocalMesos({ dataDir, agents: [], executor: 'simulated' });
  probe = await subscribeProbe(mesos.url);
});

afterAll(async () => {
  await mesos.stop();
  rmSync(dataDir, { recursive: true });
});

function ask({ method = 'POST', path = '/api/v1/scheduler', headers = {}, body }: Asked): Promise<{
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}> {
  return new Promise((resolve, reject) => {
    const outgoing = request(mesos.url + path, { method, headers }, (response) => {
      textOf(response)
        .then((text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
        .catch(reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

function filled(text: string): string {
  return text.replaceAll('FRAMEWORK_ID', probe.frameworkId).replaceAll('STREAM_ID', probe.streamId);
}

const json = { 'Content-Type': 'application/json' };

describe('a request that is wrong gets the recorded answer', () => {
  const recorded = loadHttpErrors();

  test.each(recorded.filter(({ name }) => name !== 'disconnected framework'))('$name', async (asked) => {
    const { method, path, headers, body } = asked.request;
    const bytes = body?.startsWith('base64:') ? Buffer.from(body.slice(7), 'base64') : filled(body ?? '');
    const sent = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, filled(value)]));
    const answer = await ask({ method, path, headers: sent, body: bytes });
    expect([answer.status, answer.body]).toEqual([asked.status, filled(asked.body)]);
    for (const header of ['allow', 'content-type']) expect(answer.headers[header]).toBe(asked.headers[header]);
  });

  test('disconnected framework', async () => {
    const away = await subscribeProbe(mesos.url);
    away.drop();
    const revive = (): Promise<{ status: number; body: string }> => away.call({ type: 'REVIVE' });
    let answer = await revive();
    while (answer.status === 202) answer = await revive();
    expect(answer).toEqual({ status: 403, body: 'Framework is not subscribed' });
  });
});

describe('variants the recordings do not hold', () => {
  const subscription = { type: 'SUBSCRIBE', subscribe: { framework_info: probeFramework } } as const;
  const revive = (id = probe.frameworkId): string => JSON.stringify({ framework_id: { value: id }, type: 'REVIVE' });
  const invalid = 'Failed to validate scheduler::Call: ';

  test.each([
    ['PUT', { method: 'PUT' }, 405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'PUT'."],
    [
      'a charset makes another media type',
      { headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: '{}' },
      415,
      "Expecting 'Content-Type' of application/json or application/x-protobuf",
    ],
    [
      'an empty body',
      { headers: json, body: '' },
      400,
      'Failed to parse body into JSON: syntax error at line 1 near: ',
    ],
    [
      'an empty protobuf',
      { headers: { 'Content-Type': 'application/x-protobuf' }, body: '' },
      400,
      `${invalid}Expecting 'type' to be present`,
    ],
    [
      'the path with /master',
      { path: '/master/api/v1/scheduler', headers: json, body: '{}' },
      400,
      `${invalid}Expecting 'type' to be present`,
    ],
    [
      'no framework_info',
      { headers: json, body: '{"type":"SUBSCRIBE","subscribe":{}}' },
      400,
      'Failed to convert JSON into Call protobuf: Missing required fields: subscribe.framework_info',
    ],
    [
      'a required field far down',
      { headers: json, body: '{"type":"ACCEPT","accept":{"operations":[{"launch":{"task_infos":[{"name":"x"}]}}]}}' },
      400,
      'Failed to convert JSON into Call protobuf: Missing required fields: accept.operations[0].launch.task_infos[0].task_id, accept.operations[0].launch.task_infos[0].agent_id',
    ],
    [
      'only one of two ids',
      {
        headers: json,
        body: '{"type":"SUBSCRIBE","framework_id":{"value":"a"},"subscribe":{"framework_info":{"user":"u","name":"n"}}}',
      },
      400,
      `${invalid}'framework_id' differs from 'subscribe.framework_info.id'`,
    ],
    [
      'UPDATE_FRAMEWORK with another id',
      {
        headers: json,
        body: '{"type":"UPDATE_FRAMEWORK","framework_id":{"value":"a"},"update_framework":{"framework_info":{"user":"u","name":"n","id":{"value":"b"}}}}',
      },
      400,
      `${invalid}'framework_id' differs from 'update_framework.framework_info.id'`,
    ],
    [
      'an unknown framework, and no stream id',
      { headers: json, body: '{"framework_id":{"value":"nope"},"type":"REVIVE"}' },
      400,
      'Framework cannot be found',
    ],
    [
      'RECONCILE without its member',
      { headers: json, body: '{"framework_id":{"value":"nope"},"type":"RECONCILE"}' },
      400,
      `${invalid}Expecting 'reconcile' to be present`,
    ],
    [
      'SUBSCRIBE with q=0',
      {
        headers: { ...json, Accept: 'application/json;q=0, application/x-protobuf;q=0.0' },
        body: JSON.stringify(subscription),
      },
      406,
      "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'",
    ],
  ] as const)('%s', async (_name, asked, status, body) => {
    const answer = await ask(asked);
    expect([answer.status, answer.body]).toEqual([status, body]);
  });

  test('a path nobody serves', async () => {
    expect((await ask({ path: '/api/v2/scheduler', headers: json, body: revive() })).status).toBe(404);
  });

  test.each([
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['application/x-protobuf', 'application/x-protobuf'],
    ['text/html, application/x-protobuf;q=0.5', 'application/x-protobuf'],
    [undefined, 'application/json'],
  ])('Accept %s opens a stream of %s', async (accept, contentType) => {
    const headers = { ...json, ...(accept === undefined ? {} : { Accept: accept }) };
    const opened = await new Promise<NodeJS.Dict<string | string[]>>((resolve, reject) => {
      const outgoing = request(`${mesos.url}/api/v1/scheduler`, { method: 'POST', headers }, (response) => {
        resolve(response.headers);
        response.destroy();
      });
      outgoing.once('error', reject);
      outgoing.end(encodeCall(subscription as Parameters<typeof encodeCall>[0], 'application/json'));
    });
    expect(opened['content-type']).toBe(contentType);
    expect(opened['mesos-stream-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a master that recovers answers 503 to everything, before it looks at it', async () => {
    mesos.restartMaster({ recoverMs: 60_000 });
    const answer = await ask({ method: 'GET' });
    expect([answer.status, answer.body]).toEqual([503, 'Master has not finished recovery']);
  });
});

test('with credentials, nobody else is let in, and nobody under a false name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'local-mesos-'));
  const guarded = await startLocalMesos({
    dataDir: folder,
    agents: [],
    executor: 'simulated',
    credentials: { principal: 'juice', secret: 's' },
  });
  try {
    const answer = await fetch(`${guarded.url}/api/v1/scheduler`, { method: 'POST', headers: json, body: '{}' });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="mesos-master-scheduler"');
    const call = { type: 'SUBSCRIBE', subscribe: { framework_info: { ...probeFramework, principal: 'other' } } };
    const headers = { ...json, Authorization: `Basic ${Buffer.from('juice:s').toString('base64')}` };
    const refused = await fetch(`${guarded.url}/api/v1/scheduler`, {
      method: 'POST',
      headers,
      body: JSON.stringify(call),
    });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("Authenticated principal 'juice' does not match principal 'other'");
    const response = await send(guarded.url, { type: 'TEARDOWN' }, { contentType: 'application/json', streamId: null });
    expect(response.statusCode).toBe(401);
  } finally {
    await guarded.stop();
    rmSync(folder, { recursive: true });
  }
});
