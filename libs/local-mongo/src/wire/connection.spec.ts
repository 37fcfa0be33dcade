import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BSON } from 'bson';
import fc from 'fast-check';
import { bodyOf, int32, message, openWire, opMsg } from '../../testing/wire-client.ts';
import { startLocalMongo, type LocalMongo } from '../local-mongo.ts';
import { MessageReader } from './message-reader.ts';

let server: LocalMongo;
beforeAll(async () => {
  server = await startLocalMongo({ dataDir: null });
});
afterAll(() => server.stop());

const ping = { ping: 1, $db: 'admin' };

async function expectAlive(): Promise<void> {
  const client = await openWire(server.url);
  client.send(opMsg(1, ping));
  expect(bodyOf(await client.receive())).toEqual({ ok: 1 });
  client.close();
}

describe('a connection', () => {
  test('answers the handshake in the old form', async () => {
    const client = await openWire(server.url);
    const query = [
      int32(0),
      Buffer.from('admin.$cmd\0'),
      int32(0),
      int32(-1),
      BSON.serialize({ ismaster: 1, helloOk: true }),
    ];
    client.send(message(2004, 7, ...query));
    const answer = (await client.receive()) ?? Buffer.alloc(0);
    expect([answer.readInt32LE(8), answer.readInt32LE(12), answer.readInt32LE(32)]).toEqual([7, 1, 1]);
    expect(BSON.deserialize(answer.subarray(36))).toMatchObject({
      ismaster: true,
      helloOk: true,
      maxWireVersion: 21,
      ok: 1,
    });
    client.close();
  });

  test('takes a checksum as given, and several requests at once', async () => {
    const client = await openWire(server.url);
    client.send(Buffer.concat([opMsg(1, ping, 1), opMsg(2, { nothing: 1, $db: 'd' }), opMsg(3, ping)]));
    expect((await client.receive())?.readInt32LE(8)).toBe(1);
    expect(bodyOf(await client.receive())).toEqual({
      ok: 0,
      errmsg: "no such command: 'nothing'",
      code: 59,
      codeName: 'CommandNotFound',
    });
    expect((await client.receive())?.readInt32LE(8)).toBe(3);
    client.close();
  });

  test('does not answer what is unacknowledged, but does it', async () => {
    const client = await openWire(server.url);
    const insert = { insert: 'silent', documents: [{ _id: 1 }], writeConcern: { w: 0 }, $db: 'd' };
    client.send(Buffer.concat([opMsg(1, insert, 2), opMsg(2, { count: 'silent', $db: 'd' })]));
    const answer = await client.receive();
    expect(answer?.readInt32LE(8)).toBe(2);
    expect(bodyOf(answer)).toEqual({ n: 1, ok: 1 });
    client.close();
  });

  test.each([
    ['a length beyond the limit', int32(0x7fffffff)],
    ['a length below a header', int32(3)],
    ['an unknown opcode', message(2012, 1, int32(0))],
    ['required flags that mean nothing', opMsg(1, ping, 4)],
    ['no body', message(2013, 1, int32(0))],
    ['a section of another kind', message(2013, 1, int32(0), Buffer.from([9]))],
    [
      'a document that is longer than its message',
      message(2013, 1, int32(0), Buffer.from([0]), int32(500), Buffer.alloc(9)),
    ],
    [
      'a document sequence that is cut short',
      message(2013, 1, int32(0), Buffer.from([1]), int32(99), Buffer.from('x\0')),
    ],
    ['a query that is cut short', message(2004, 1, int32(0), Buffer.from('admin'))],
  ])('is closed, and no other, for %s', async (_what, bytes) => {
    const client = await openWire(server.url);
    client.send(bytes);
    expect(await client.receive()).toBeUndefined();
    await expectAlive();
  });

  test('survives damaged messages', async () => {
    const insert = opMsg(1, {
      insert: 'x',
      documents: [{ _id: 1, a: [1, { b: 'text' }], c: /x/i }],
      $db: 'd',
      ordered: true,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(insert.length - 17), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        async (edits) => {
          const damaged = Buffer.from(insert);
          for (const [at, byte] of edits) damaged[16 + at] = byte;
          const client = await openWire(server.url);
          client.send(damaged);
          client.socket.end();
          await client.receive();
          client.close();
        },
      ),
      { numRuns: 150 },
    );
    await expectAlive();
  });

  test('that does not read its answers does not hold up others', async () => {
    const slow = await openWire(server.url);
    const big = { _id: 1, filler: 'x'.repeat(1_000_000) };
    slow.send(opMsg(1, { insert: 'big', documents: [big], $db: 'd' }));
    expect(bodyOf(await slow.receive())).toEqual({ n: 1, ok: 1 });
    slow.socket.pause();
    for (let n = 0; n < 50; n += 1) slow.send(opMsg(2, { find: 'big', $db: 'd' }));
    await expectAlive();
    slow.close();
    await expectAlive();
  });
});

test('messages are put together from any chunks', () => {
  const sent = [opMsg(1, ping), opMsg(2, { a: 'x'.repeat(50) }), opMsg(3, ping)];
  const stream = Buffer.concat(sent);
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
      const reader = new MessageReader();
      const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const received = edges.slice(1).flatMap((end, i) => reader.push(stream.subarray(edges[i], end)));
      expect(received).toEqual(sent);
    }),
  );
});
