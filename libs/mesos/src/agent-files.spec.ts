import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { sandboxPath } from '@juice/contracts';
import { createAgentFiles } from './agent-files.ts';

// The answers are those of a real agent, which writes a file's bytes into its JSON as they are.

const path = `${sandboxPath({ frameworkId: 'F-0000', mesosTaskId: 'a-1-1' })}/stdout`;
const { signal } = new AbortController();

describe('the files of a sandbox', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function start(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    options: Partial<Parameters<typeof createAgentFiles>[0]> = {},
  ) {
    server = createServer(answer);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const files = createAgentFiles({ scheme: 'http', credentials: null, ...options });
    return { files, agent: { host: '127.0.0.1', port } };
  }

  const says = (body: string | Buffer) => (_: IncomingMessage, response: ServerResponse) => void response.end(body);

  test('are asked for by a path that does not depend on the agent’s work_dir', async () => {
    const asked: unknown[] = [];
    const { files, agent } = await start(({ url, headers }, response) => {
      asked.push([url, headers.authorization]);
      response.end('{"data":"","offset":6}');
    });
    expect(await files.size(agent, path, signal)).toBe(6);
    expect(await files.read(agent, path, { offset: 6, length: 10 }, signal)).toEqual(Buffer.alloc(0));
    const query = 'path=%2Fframeworks%2FF-0000%2Fexecutors%2Fa-1-1%2Fruns%2Flatest%2Fstdout';
    expect(asked).toEqual([
      [`/files/read?${query}&offset=-1`, undefined],
      [`/files/read?${query}&offset=6&length=10`, undefined],
    ]);
  });

  test.each([
    ['text', Buffer.from('{"data":"hello\\n","offset":0}'), Buffer.from('hello\n')],
    ['UTF-8', Buffer.from('{"data":"größer €","offset":0}'), Buffer.from('größer €')],
    ['half a character', Buffer.from('{"data":"\xe2\x82","offset":0}', 'latin1'), Buffer.from([0xe2, 0x82])],
    ['what is no UTF-8', Buffer.from('{"data":"\xff\xfe\\u0000","offset":0}', 'latin1'), Buffer.from([0xff, 0xfe, 0])],
    ['what is escaped', Buffer.from('{"data":"\\u20ac\\ud83d\\ude00","offset":0}'), Buffer.from('€😀')],
  ])('%s comes as it was written', async (_what, body, bytes) => {
    const { files, agent } = await start(says(body));
    expect(await files.read(agent, path, { offset: 0, length: 100 }, signal)).toEqual(bytes);
  });

  test('that there are not are null', async () => {
    const { files, agent } = await start((_request, response) => void response.writeHead(404).end());
    expect(await files.size(agent, path, signal)).toBeNull();
    expect(await files.read(agent, path, { offset: 0, length: 1 }, signal)).toBeNull();
  });

  test('are asked for with credentials, which no error repeats', async () => {
    const seen: unknown[] = [];
    const { files, agent } = await start(
      ({ headers }, response) => {
        seen.push(headers.authorization);
        response.writeHead(401).end();
      },
      { credentials: { principal: 'juice', secret: 'hunter2' } },
    );
    const asking = files.size(agent, path, signal);
    await expect(asking).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: false });
    await expect(asking).rejects.not.toThrow('hunter2');
    expect(seen).toEqual([`Basic ${Buffer.from('juice:hunter2').toString('base64')}`]);
  });

  test.each([
    ['is busy', (response: ServerResponse) => response.writeHead(503).end(), true],
    ['hangs up', (response: ServerResponse) => response.destroy(), true],
    ['redirects', (response: ServerResponse) => response.writeHead(302, { location: '/' }).end(), true],
    ['answers something else', (response: ServerResponse) => response.end('<html>'), false],
    ['answers other JSON', (response: ServerResponse) => response.end('{"data":5,"offset":0}'), false],
  ])('of an agent that %s are a failure of it', async (_what, answer, retryable) => {
    const { files, agent } = await start((_request, response) => void answer(response));
    await expect(files.size(agent, path, signal)).rejects.toMatchObject({ dependency: 'mesos-agent', retryable });
  });

  test('of an agent that hangs are not waited for, nor by who has left', async () => {
    const { files, agent } = await start(() => undefined, { timeoutMs: 20 });
    await expect(files.size(agent, path, signal)).rejects.toMatchObject({ dependency: 'mesos-agent', retryable: true });
    const left = new AbortController();
    const asking = files.size(agent, path, left.signal);
    left.abort();
    await expect(asking).rejects.toMatchObject({ name: 'AbortError' });
  });
});
