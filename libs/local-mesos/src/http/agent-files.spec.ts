import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadJson } from '@juice/mesos/testing';
import { createAgentListener } from './agent-http.ts';

const runs = '/frameworks/F/executors/t/runs';
let folder: string;
let server: Server;
let url: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'local-mesos-'));
  mkdirSync(join(folder, runs, 'C/sub'), { recursive: true });
  symlinkSync('C', join(folder, runs, 'latest'));
  writeFileSync(join(folder, runs, 'C/stdout'), 'hello\n');
  writeFileSync(join(folder, runs, 'C.env'), 'SECRET=1\n');
  mkdirSync(join(folder, 'frameworks/F/executors/other/runs/D'), { recursive: true });
  writeFileSync(join(folder, 'frameworks/F/executors/other/runs/D/stdout'), 'not yours');
  server = createServer(createAgentListener(folder));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

async function ask(
  endpoint: string,
  query: Record<string, string>,
): Promise<{ status: number; body: string; headers: Headers }> {
  const response = await fetch(`${url}/files/${endpoint}?${new URLSearchParams(query).toString()}`);
  return { status: response.status, headers: response.headers, body: await response.text() };
}

const read = (path: string, offset: string, length?: string): ReturnType<typeof ask> =>
  ask('read', { path, offset, ...(length === undefined ? {} : { length }) });

test('the recorded questions get the recorded kinds of answers', async () => {
  const { agentFiles } = loadJson('lifecycle-finished-json') as {
    agentFiles: Record<string, { status: number; contentType: string; disposition?: string; body: string }>;
  };
  for (const [question, recorded] of Object.entries(agentFiles)) {
    const [, endpoint = '', query = ''] = /^\/files\/(\w+)\?(.*)$/.exec(question) ?? [];
    const asked = Object.fromEntries(new URLSearchParams(query));
    const path = (asked['path'] ?? '').replace('FRAMEWORK_ID', 'F').replace('t-finished', 't');
    const answer = await ask(endpoint, { ...asked, path });
    expect(answer.status).toBe(recorded.status);
    if (endpoint === 'browse') {
      const entries = JSON.parse(answer.body) as Record<string, unknown>[];
      expect(Object.keys(entries[0] ?? {})).toEqual(Object.keys((JSON.parse(recorded.body) as object[])[0] ?? {}));
    } else {
      expect(answer.body).toBe(recorded.body);
    }
    if (recorded.status !== 200) continue;
    expect(answer.headers.get('content-type')).toBe(recorded.contentType);
    expect(answer.headers.get('content-disposition')).toBe(recorded.disposition ?? null);
  }
});

describe('reading', () => {
  test('by offset and length, never beyond the end, never more than 64 KiB', async () => {
    expect((await read(`${runs}/latest/stdout`, '2', '3')).body).toBe('{"data":"llo","offset":2}');
    expect((await read(`${runs}/latest/stdout`, '4', '300')).body).toBe('{"data":"o\\n","offset":4}');
    expect((await read(`${runs}/latest/stdout`, '99')).body).toBe('{"data":"","offset":6}');
    writeFileSync(join(folder, runs, 'C/big'), 'x'.repeat(100_000));
    const { data } = JSON.parse((await read(`${runs}/C/big`, '0')).body) as { data: string };
    expect(data).toHaveLength(65_536);
  });

  test('bytes go out as they are: half a character, control characters, quotes', async () => {
    const bytes = Buffer.from('a"\\\t\x01é€');
    writeFileSync(join(folder, runs, 'C/odd'), bytes);
    const response = await fetch(`${url}/files/read?path=${runs}/latest/odd&offset=0&length=7`);
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.toString('latin1')).toBe(
      `{"data":"a\\"\\\\\\t\\u0001${bytes.subarray(5, 7).toString('latin1')}","offset":0}`,
    );
  });

  test.each([
    [{ offset: '0' }, "Expecting 'path=value' in query.\n"],
    [{ path: `${runs}/latest/stdout`, offset: 'x' }, "Failed to parse offset: Failed to convert 'x' to number.\n"],
    [{ path: `${runs}/latest/stdout`, offset: '-2' }, 'Negative offset provided: -2.\n'],
    [{ path: `${runs}/latest/stdout`, offset: '0', length: '-5' }, 'Negative length provided: -5.\n'],
    [{ path: `${runs}/latest/sub`, offset: '0' }, 'Cannot read a directory.\n'],
  ])('%j is refused', async (query, body) => {
    expect(await ask('read', query as unknown as Record<string, string>)).toMatchObject({ status: 400, body });
  });
});

describe('nothing outside the sandbox is served', () => {
  test.each([
    `${runs}/latest/../../../other/runs/D/stdout`,
    `${runs}/../../other/runs/D/stdout`,
    `${runs}/C.env`,
    `${runs}/latest/../C.env`,
    `${runs}/latest/../../../../../../../../etc/hostname`,
    '/etc/hostname',
    'frameworks',
    `${runs}/latest/stdout\0.txt`,
  ])('%j', async (path) => {
    expect((await read(path, '0')).status).toBe(404);
    expect((await ask('download', { path })).status).toBe(404);
  });

  test.each([
    ['a link in the sandbox', 'C/escape', '/etc', 'latest/escape/hostname'],
    ['a link to another task', 'C/escape', '../../../other/runs/D', 'latest/escape/stdout'],
    ['a link in place of a run', 'X', '/etc', 'X/hostname'],
    ['a link to another task in place of a run', 'X', '../../other/runs/D', 'X/stdout'],
  ])('%s', async (_name, link, target, path) => {
    symlinkSync(target, join(folder, runs, link));
    expect((await read(`${runs}/${path}`, '0')).status).toBe(404);
    expect((await ask('browse', { path: `${runs}/${path.split('/').slice(0, -1).join('/')}` })).status).toBe(404);
  });

  test('a link in place of the folder of runs', async () => {
    mkdirSync(join(folder, 'frameworks/F/executors/bad'));
    symlinkSync('/', join(folder, 'frameworks/F/executors/bad/runs'));
    expect((await read('/frameworks/F/executors/bad/runs/etc/hostname', '0')).status).toBe(404);
  });
});

test('an empty file downloads as one; other methods and paths are refused', async () => {
  writeFileSync(join(folder, runs, 'C/empty'), '');
  expect(await ask('download', { path: `${runs}/latest/empty` })).toMatchObject({ status: 200, body: '' });
  expect((await fetch(`${url}/files/read`, { method: 'POST' })).status).toBe(405);
  expect((await fetch(`${url}/files/nothing`)).status).toBe(404);
  expect((await fetch(`${url}/slave(1)/health`)).status).toBe(200);
});
