import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { startLocalMesos, type LocalMesos, type LocalMesosOptions } from '@juice/local-mesos';
import { examineMasters } from './examine-masters.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(ends.splice(0).map((end) => end())));

const signal = AbortSignal.timeout(60_000);

async function startCluster(options: Partial<LocalMesosOptions> = {}): Promise<LocalMesos> {
  const dataDir = mkdtempSync(join(tmpdir(), 'juice-examine-'));
  const mesos = await startLocalMesos({ dataDir, agents: [], executor: 'simulated', ...options });
  ends.push(() => mesos.stop().finally(() => rmSync(dataDir, { recursive: true })));
  return mesos;
}

async function startServer(listener: RequestListener): Promise<string> {
  return `http://${await listen(createServer(listener))}`;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the leader says its version and its time', async () => {
  const mesos = await startCluster();
  const [leader, ...others] = await examineMasters({ masters: [mesos.url], signal });
  expect(others).toEqual([]);
  expect(leader).toMatchObject({ url: mesos.url, role: { kind: 'leads' }, version: '1.12.0' });
  const { aheadMs = Infinity, doubtMs = 0 } = leader?.clock ?? {};
  expect(Math.abs(aheadMs)).toBeLessThanOrEqual(doubtMs);
});

test('a leader that none of the given masters is, is asked too', async () => {
  const mesos = await startCluster({ followers: 2 });
  const found = await examineMasters({ masters: mesos.followerUrls, signal });
  const follows = { kind: 'follows', leader: mesos.url };
  expect(found.map(({ url, role }) => ({ url, role }))).toEqual([
    ...mesos.followerUrls.map((url) => ({ url, role: follows })),
    { url: mesos.url, role: { kind: 'leads' } },
  ]);
  expect(found.at(-1)?.version).toBe('1.12.0');
});

test('credentials are refused or taken', async () => {
  const mesos = await startCluster({ credentials: { principal: 'juice', secret: 's' } });
  const roles = async (secret?: string) => {
    const credentials = secret === undefined ? {} : { credentials: { principal: 'juice', secret } };
    return (await examineMasters({ masters: [mesos.url], signal, ...credentials })).map(({ role }) => role);
  };
  expect(await roles()).toEqual([{ kind: 'refuses', status: 401 }]);
  expect(await roles('wrong')).toEqual([{ kind: 'refuses', status: 401 }]);
  expect(await roles('s')).toEqual([{ kind: 'leads' }]);
});

test('what does not lead, is no master, or is not there, is told', async () => {
  const unready = await startServer((_request, response) => response.writeHead(503).end('No leader elected'));
  const other = await startServer((_request, response) => response.writeHead(200).end('hello'));
  const gone = await startCluster();
  await gone.stop();
  const found = await examineMasters({ masters: [unready, other, gone.url], signal });
  expect(found.map(({ role }) => role)).toEqual([
    { kind: 'unready', detail: 'No leader elected' },
    { kind: 'fails', detail: 'answers 200, which no Mesos master does' },
    { kind: 'fails', detail: expect.stringContaining('ECONNREFUSED') },
  ]);
});

test('a master that never answers fails when the time is over, and the others are told', async () => {
  const mesos = await startCluster();
  const silent = await startServer(() => undefined);
  const found = await examineMasters({ masters: [silent, mesos.url], signal: AbortSignal.timeout(300) });
  expect(found.map(({ role }) => role.kind)).toEqual(['fails', 'leads']);
});

test('the version is behind a proxy’s path where the API is, and credentials go along', async () => {
  const asked: IncomingMessage[] = [];
  const proxy = await startServer((request, response) => {
    asked.push(request);
    if (request.url === '/mesos/version') response.end('{"version":"1.9.0"}');
    else response.writeHead(405).end();
  });
  const credentials = { principal: 'juice', secret: 's' };
  const [facts] = await examineMasters({ masters: [`${proxy}/mesos`], credentials, signal });
  expect(facts).toMatchObject({ role: { kind: 'leads' }, version: '1.9.0' });
  expect(asked.map(({ url }) => url)).toEqual(['/mesos/api/v1/scheduler', '/mesos/version']);
  expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Basic anVpY2U6cw==', 'Basic anVpY2U6cw==']);
});

test('a leader that does not say its version leads all the same', async () => {
  const answers: RequestListener = (request, response) => {
    if (request.url === '/version') response.socket?.destroy();
    else response.writeHead(405).end();
  };
  const [facts] = await examineMasters({ masters: [await startServer(answers)], signal });
  expect(facts).toMatchObject({ role: { kind: 'leads' }, version: null });
});

test('certificates of an authority of one’s own are taken when it is named, and no others', async () => {
  const pem = (file: string) => readFileSync(new URL(`../testing/tls/${file}.pem`, import.meta.url), 'utf8');
  const cert = pem('cert');
  const server = createTlsServer({ key: pem('key'), cert }, (_request, response) => response.writeHead(405).end());
  const masters = [`https://${await listen(server)}`];
  expect((await examineMasters({ masters, ca: cert, signal }))[0]?.role).toEqual({ kind: 'leads' });
  expect((await examineMasters({ masters, signal }))[0]?.role).toMatchObject({
    kind: 'fails',
    detail: expect.stringContaining('self-signed'),
  });
});
