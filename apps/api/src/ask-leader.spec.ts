import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { TaskId, WhyWaiting } from '@juice/contracts';
import { createAskLeader } from './ask-leader.ts';

const taskId = 9007199254740993n as TaskId;
const why: WhyWaiting = {
  taskIdStr: String(taskId),
  state: 'waiting',
  summary: 'no room',
  asOf: '2026-01-01T00:00:00.000Z',
};

describe('asking the leader', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function start(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    server = createServer(answer);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return ask({ holder: 'a', url: `http://api:the-secret@127.0.0.1:${port}` });
  }

  function ask(lease: { holder: string | null; url: string | null } | null, deadlineMs?: number) {
    const warnings: unknown[] = [];
    const leases = { read: () => Promise.resolve(lease) };
    const log = { warn: (event: string, fields: object) => void warnings.push({ event, ...fields }) };
    return { leader: createAskLeader({ leases, log, ...(deadlineMs !== undefined && { deadlineMs }) }), warnings };
  }

  test('shows the secret of the lease, in no URL', async () => {
    const seen: unknown[] = [];
    const { leader } = await start(({ url, headers }, response) => {
      seen.push([url, headers.authorization]);
      response.end(JSON.stringify(why));
    });
    expect(await leader.why(taskId)).toEqual(why);
    expect(seen).toEqual([['/internal/v1/why/9007199254740993', 'Bearer the-secret']]);
  });

  test.each([null, { holder: null, url: 'http://api:x@127.0.0.1:1' }, { holder: 'a', url: null }])(
    'nobody leads, or says where: %p',
    async (lease) => {
      const { leader, warnings } = ask(lease);
      expect([await leader.why(taskId), await leader.survey()]).toEqual([null, null]);
      expect(warnings).toEqual([]);
    },
  );

  test.each([
    ['503', (response: ServerResponse) => response.writeHead(503).end('{}')],
    ['no JSON', (response: ServerResponse) => response.end('<html>')],
    ['something else', (response: ServerResponse) => response.end('{"state":"sleeping"}')],
    ['a redirect', (response: ServerResponse) => response.writeHead(302, { location: '/' }).end()],
    ['nothing', (response: ServerResponse) => response.destroy()],
  ])('one that answers %s is as good as none, and is told of without its secret', async (_what, answer) => {
    const { leader, warnings } = await start((_request, response) => void answer(response));
    expect(await leader.why(taskId)).toBeNull();
    expect(warnings).toEqual([expect.objectContaining({ event: 'dependency.unreachable', dependency: 'scheduler' })]);
    expect(JSON.stringify(warnings)).not.toContain('the-secret');
  });

  test('one that hangs is not waited for', async () => {
    await start(() => undefined);
    const { port } = server?.address() as AddressInfo;
    const { leader } = ask({ holder: 'a', url: `http://api:the-secret@127.0.0.1:${port}` }, 20);
    expect(await leader.why(taskId)).toBeNull();
  });
});
