import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createAnswerReader, openPipeline } from './pipeline.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

async function open(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => server.close());
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/calls`);
  const pipeline = await openPipeline(url, { Accept: 'text/plain' });
  cleanUps.push(() => pipeline.close());
  return pipeline;
}

test('requests leave without waiting, and each gets its own answer', async () => {
  const held: ServerResponse[] = [];
  const pipeline = await open((request, response) => {
    request.resume();
    // The first is answered last; the others wait for it all the same, as HTTP has it.
    if (held.push(response) === 5)
      held.toReversed().forEach((each, i) => each.writeHead(404 - i, { 'Content-Length': 4 }).end('body'));
  });
  const posted = Array.from({ length: 5 }, (_, i) => pipeline.post(Buffer.from(`call ${i}`)));
  expect(await Promise.all(posted)).toEqual([400, 401, 402, 403, 404]);
});

test('what is in flight when the connection ends fails, and what comes after', async () => {
  const pipeline = await open((request) => void request.socket.destroy());
  const posted = [1, 2].map(() => pipeline.post(Buffer.from('call')));
  for (const each of posted) await expect(each).rejects.toThrow();
  await expect(pipeline.post(Buffer.from('call'))).rejects.toThrow();
});

test('answers are found however the bytes are cut, and what has no length is refused', () => {
  const bytes = Buffer.from(
    'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400 No\r\ncontent-length: 2\r\n\r\nno',
  );
  for (let cut = 0; cut <= bytes.length; cut++) {
    const found: number[] = [];
    const reader = createAnswerReader((status) => found.push(status));
    reader.push(bytes.subarray(0, cut));
    reader.push(bytes.subarray(cut));
    expect(found).toEqual([202, 400]);
  }
  const chunked = Buffer.from('HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n');
  expect(() => createAnswerReader(() => undefined).push(chunked)).toThrow('known length');
});
