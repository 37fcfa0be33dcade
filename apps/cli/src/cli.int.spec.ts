import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseExactJson, productVersion } from '@juice/contracts';
import { startStandalone, until, type JuiceProcess } from '@juice/trial';

// The built program against standalone: real processes on both sides.

const bundles = resolve(import.meta.dirname, '../../../dist/apps');
const adminKey = 'an-admin-key-of-thirty-two-characters';
const world: { juice: JuiceProcess | null; dataDir: string } = { juice: null, dataDir: '' };

beforeAll(async () => {
  world.dataDir = await mkdtemp(join(tmpdir(), 'juice-cli-'));
  world.juice = await startStandalone({
    bundles,
    dataDir: world.dataDir,
    env: { JUICE_ADMIN_KEY: adminKey, JUICE_CALLBACK_SCHEDULE: '0s' },
    inherited: process.env,
  });
}, 90_000);
afterAll(async () => {
  await world.juice?.end('SIGTERM');
  await rm(world.dataDir, { recursive: true, force: true });
}, 30_000);

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

function juice(argv: readonly string[], input = ''): Promise<Ran> {
  const env = {
    JUICE_URL: world.juice?.url,
    JUICE_TENANT: 'cli',
    JUICE_ADMIN_KEY: adminKey,
    PATH: process.env['PATH'],
  };
  return new Promise((done) => {
    const child = execFile(process.execPath, [join(bundles, 'cli/main.js'), ...argv], { env }, (error, out, err) => {
      done({ status: typeof error?.code === 'number' ? error.code : 0, out: out.trim(), err: err.trim() });
    });
    child.stdin?.end(input);
  });
}

const json = ({ out }: Ran): Record<string, unknown> => parseExactJson(out) as Record<string, unknown>;

test('submits a program, waits for its end, and ends like it', async () => {
  const submitted = await juice(['submit', '--label', 'team=red', '--', 'sh', '-c', 'exit 3']);
  expect(submitted).toMatchObject({ status: 0, out: expect.stringMatching(/^\d{18,19}$/), err: '' });
  const id = submitted.out;
  const waited = await juice(['wait', id, '--json']);
  expect(waited.status).toBe(3);
  expect(json(waited)).toMatchObject({
    taskId: BigInt(id),
    taskStatusName: 'FAILED',
    exitCode: 3,
    argv: ['sh', '-c', 'exit 3'],
  });
  expect((await juice(['submit', '--wait', '--shell', 'true'])).status).toBe(0);
  const found = await juice(['list', '--label', 'team=red', '--status', 'ended']);
  expect(found.out.split('\n')[1]).toMatch(new RegExp(`^${id}  sh +FAILED `));
  const again = json(await juice(['rerun', id, '--changes', '{"commands":["true"]}', '--json']));
  expect(again).toMatchObject({ rerunOf: BigInt(id) });
  expect((await juice(['wait', String(again['taskIdStr'])])).status).toBe(0);
});

test('says why a task waits, gives up waiting, kills it, and waits for that', async () => {
  const constraints = [{ field: 'HOSTNAME', values: ['no-such-host'] }];
  const body = JSON.stringify({ taskName: 'waits', commands: 'true', constraints });
  const { out: id } = await juice(['submit', '--file', '-', '--name', 'renamed', '--key', 'once'], body);
  expect((await juice(['submit', '--file', '-', '--name', 'renamed', '--key', 'once'], body)).out).toBe(id);
  expect(json(await juice(['get', id, '--json']))).toMatchObject({ taskName: 'renamed', taskStatusName: 'NOT_START' });
  expect((await juice(['why', id])).out).toMatch(/^summary +\S/m);
  expect(await juice(['wait', id, '--timeout', '1'])).toMatchObject({
    status: 124,
    err: expect.stringContaining('1 seconds'),
  });
  expect(json(await juice(['kill', '--name-prefix', 'renamed', '--dry-run', '--json']))).toMatchObject({
    dryRun: true,
    matched: 1,
  });
  expect((await juice(['kill', id, '1'])).status).toBe(65);
  expect((await juice(['wait', id])).status).toBe(106);
  expect((await juice(['callbacks', id, '--json'])).status).toBe(0);
});

test('shows what a task writes while it runs, and what becomes of it', async () => {
  const { out: id } = await juice(['submit', '--', 'sh', '-c', 'echo one; sleep 1; echo two; echo three >&2']);
  const [log, events] = await Promise.all([
    untilStarted(() => juice(['logs', id, '--follow'])),
    juice(['events', id, '--from', 'start']),
  ]);
  expect(log).toMatchObject({ status: 0, out: 'one\ntwo' });
  expect((await juice(['logs', id, '--stderr'])).out).toBe('three');
  expect((await juice(['logs', id, '--offset', '-4', '--length', '3'])).out).toBe('two');
  const states = events.out.split('\n').map((line) => line.split('  ').slice(1, 3));
  expect(states).toEqual(['STAGING', 'RUNNING', 'FINISHED'].map((state) => [id, state]));
  const [first = ''] = (await juice(['events', id, '--from', 'start', '--json'])).out.split('\n');
  expect(parseExactJson(first)).toMatchObject({ name: 'task.staging', data: { taskId: BigInt(id), sequence: 1 } });
});

/** A task that has not been launched has no log yet. */
async function untilStarted(run: () => Promise<Ran>): Promise<Ran> {
  let ran = await run();
  await until('it to be launched', async () => {
    if (ran.status !== 0) ran = await run();
    return ran.status === 0;
  });
  return ran;
}

test('tells what the service refuses, and by which status', async () => {
  expect(await juice(['get', '1'])).toMatchObject({
    status: 65,
    err: expect.stringMatching(/^error: query error.*\n {2}request \S+$/),
  });
  const refused = await juice(['submit', '--name', ' ', '--cpu', '1000', '--shell', 'true']);
  expect(refused.status).toBe(65);
  expect(refused.err).toMatch(/taskName must be[^]*resources\.cpu must be/);
});

test('callbacks that were given up are found by their cause, explained and sent again', async () => {
  let isUp = false;
  const received: string[] = [];
  const receiver = createServer((request, response) => {
    received.push(String(request.headers['webhook-id']));
    request.resume();
    response.writeHead(isUp ? 200 : 500).end(isUp ? 'ok' : 'busy');
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  try {
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const body = JSON.stringify({
      taskName: 'called',
      commands: 'true',
      callbackUrl: `${url}/hook`,
      callbackEvents: 'terminal',
    });
    const { out: id } = await juice(['submit', '--file', '-'], body);
    await juice(['wait', id]);
    await until('the death', async () => (await juice(['callbacks', 'dead'])).out.includes(id));
    const groups = json(await juice(['callbacks', 'dead', '--groups', '--json']));
    expect(groups).toMatchObject({ endpoint: url, cause: 'status-500', count: 1, sample: [id] });
    const callbackId = received[0] ?? '';
    expect((await juice(['callbacks', 'explain', callbackId])).out).toMatch(
      /given up after 1 try: the receiver answered 500/,
    );
    expect(json(await juice(['callbacks', 'show', id, '--json']))).toMatchObject({ tries: [{ httpStatus: 500 }] });
    expect(json(await juice(['callbacks', 'replay', '--all', '--dry-run', '--json']))).toMatchObject({ matched: 1 });
    const failed = await juice(['callbacks', 'replay', callbackId, '--reason', 'to see']);
    expect(failed).toMatchObject({ status: 65, err: expect.stringContaining('1 failed again') });
    isUp = true;
    const group = String(groups['group']);
    const replayed = await juice([
      'callbacks',
      'replay',
      '--group',
      group,
      '--reason',
      'repaired',
      '--admin',
      '--json',
    ]);
    expect(replayed.status).toBe(0);
    expect(json(replayed)).toMatchObject({ state: 'done', selected: 1, delivered: 1, by: 'bootstrap' });
    expect(new Set(received)).toEqual(new Set([callbackId]));
    expect((await juice(['replays', '--admin'])).out).toMatch(/done +1 +1 +1 +0 +bootstrap +repaired/);
    expect(await juice(['callbacks', 'test', `${url}/hook`])).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^connect +true/m),
    });
    await juice(['callbacks', 'pause', url, '--reason', 'maintenance']);
    expect((await juice(['callbacks', 'endpoints'])).out).toMatch(/paused +paused by tenant cli .*: maintenance/);
    expect(json(await juice(['callbacks', 'resume', url, '--json']))).toMatchObject({ condition: 'free' });
  } finally {
    receiver.closeAllConnections();
    receiver.close();
  }
}, 60_000);

test('operators see the system, and each service of a standalone as a process of its own', async () => {
  const { out } = await juice(['status']);
  for (const service of ['api', 'scheduler', 'callback'])
    expect(out).toMatch(new RegExp(`^processes +${service} +1: ${productVersion} on `, 'm'));
  expect(out).toMatch(new RegExp(`^api +answers .*, version ${productVersion}, Node v`, 'm'));
  expect(await juice(['--version'])).toEqual({ status: 0, out: productVersion, err: '' });
});

test('operators set tenants up and make keys', async () => {
  expect(json(await juice(['tenants', 'set', 'cli', '{"weight":2}', '--json']))).toMatchObject({
    weight: 2,
    version: 1,
  });
  expect((await juice(['tenants'])).out).toMatch(/^cli +– +2 /m);
  const { keyId } = json(await juice(['keys', 'create', '--of', 'cli', '--name', 'ci', '--json']));
  expect((await juice(['keys', 'list', '--of', 'cli'])).out).toContain(String(keyId));
  expect(json(await juice(['keys', 'revoke', String(keyId), '--json']))).toMatchObject({ state: 'revoked' });
  expect((await juice(['audit', '--of', 'cli'])).out).toMatch(/key\.revoked +cli/);
  expect((await juice(['queue'])).out).toMatch(/^TENANT +SHARE/m);
  expect((await juice(['poison'])).out).toMatch(/^count +0$/m);
  expect((await juice(['poison', 'redrive', '--reason', 'none'])).out).toMatch(/^redriven +0$/m);
});
