import { describe, expect, test } from '@jest/globals';
import { createHttpAnswerReader, type HttpAnswer } from './http-answer.ts';

const kept = (status: number, body = ''): HttpAnswer => ({ status, body, isConnectionKept: true });
const last = (status: number, body = ''): HttpAnswer => ({ status, body, isConnectionKept: false });

const accepted = 'HTTP/1.1 202 Accepted\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n';
const refused = 'HTTP/1.1 400 Bad Request\r\ncontent-length:  4 \r\nContent-Type: text/plain\r\n\r\nnö.';
const chunked =
  'HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 3\r\n\r\n' +
  '5\r\nNo le\r\nA;x=y\r\nader elect\r\n2 \r\ned\r\n0\r\nX-Trailer: 1\r\n\r\n';
const closing = 'HTTP/1.1 202 Accepted\r\nConnection: Keep-Alive, close\r\nContent-Length: 0\r\n\r\n';

describe('answers', () => {
  const cases: [string, string, HttpAnswer[]][] = [
    ['without a body', accepted + accepted, [kept(202), kept(202)]],
    ['with a body of known length', refused + accepted, [kept(400, 'nö.'), kept(202)]],
    ['in chunks', chunked + accepted, [kept(503, 'No leader elected'), kept(202)]],
    ['in chunks without trailers', 'HTTP/1.1 202 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', [kept(202)]],
    ['after which the connection closes', accepted + closing, [kept(202), last(202)]],
    ['without a reason phrase', 'HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n', [kept(202)]],
    ['that have no body whatever they say', 'HTTP/1.1 204 No Content\r\nX: content-length: 7\r\n\r\n', [kept(204)]],
    ['after interim ones', `HTTP/1.1 102 Processing\r\n\r\n${accepted}`, [kept(202)]],
    ['of HTTP/1.0', 'HTTP/1.0 202 Accepted\r\nContent-Length: 0\r\n\r\n', [last(202)]],
    ['of HTTP/1.0 that goes on', 'HTTP/1.0 202 x\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n', [kept(202)]],
  ];

  test.each(cases)('%s, whole and cut anywhere', (_what, text, answers) => {
    const bytes = Buffer.from(text);
    expect(createHttpAnswerReader().push(bytes)).toEqual(answers);
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = createHttpAnswerReader();
      expect([...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))]).toEqual(answers);
    }
    const reader = createHttpAnswerReader();
    expect([...bytes].flatMap((byte) => reader.push(Buffer.from([byte])))).toEqual(answers);
    expect(reader.end()).toEqual([]);
  });

  test('that say nothing of their length end with the connection', () => {
    const reader = createHttpAnswerReader();
    expect(reader.push(Buffer.from(`${accepted}HTTP/1.1 502 Bad Gateway\r\n\r\n<html>`))).toEqual([kept(202)]);
    expect(reader.push(Buffer.from('</html>'))).toEqual([]);
    expect(reader.end()).toEqual([last(502, '<html></html>')]);
  });

  test('that the end of the connection cuts off are none', () => {
    const reader = createHttpAnswerReader();
    reader.push(Buffer.from(refused.slice(0, -1)));
    expect(reader.end()).toEqual([]);
  });

  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['another version', 'HTTP/2.0 202 Accepted\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 202 Accepted\r\nContent-Length: -1\r\n\r\n'],
    ['a chunk that is none', 'HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'],
    ['a head without end', `HTTP/1.1 202 Accepted\r\nX: ${'x'.repeat(1024 * 1024)}`],
    ['a body without end', `HTTP/1.1 202 Accepted\r\n\r\n${'x'.repeat(1024 * 1024 + 1)}`],
  ])('%s is refused', (_what, text) => {
    expect(() => createHttpAnswerReader().push(Buffer.from(text))).toThrow();
  });
});
