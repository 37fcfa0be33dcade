/** One HTTP answer, as far as it matters to a call. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** False: nothing more comes on this connection. */
  readonly isConnectionKept: boolean;
}

export interface HttpAnswerReader {
  /** Gives the answers that these bytes complete, in order. Throws for what is no HTTP/1 answer. */
  push(chunk: Buffer): HttpAnswer[];
  /** The connection has ended, and with it an answer that says nothing of its length. */
  end(): HttpAnswer[];
}

/** Far more than any master or proxy answers to a call. */
const maxAnswerBytes = 1024 * 1024;

/**
 * Reads the answers to requests that were pipelined (RFC 9112, 6 and 9.3.2), however the bytes are cut. Bodies end by
 * length, by chunks, or with the connection; interim answers (1xx) are skipped.
 */
export function createHttpAnswerReader(): HttpAnswerReader {
  let rest: Buffer = Buffer.alloc(0);

  function readAll(bytes: Buffer, isEnd: boolean): HttpAnswer[] {
    const answers: HttpAnswer[] = [];
    let at = 0;
    for (;;) {
      const found = readAnswer(bytes, at, isEnd);
      if (found === null) break;
      at = found.end;
      if (found.answer.status >= 200) answers.push(found.answer);
    }
    rest = bytes.subarray(at);
    if (rest.length > maxAnswerBytes) throw new Error(`an answer longer than ${maxAnswerBytes} bytes`);
    return answers;
  }

  return {
    push: (chunk) => readAll(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), false),
    end: () => readAll(rest, true),
  };
}

interface Found {
  readonly answer: HttpAnswer;
  readonly end: number;
}

/** Null: there is more to come. */
function readAnswer(bytes: Buffer, from: number, isEnd: boolean): Found | null {
  const headEnd = bytes.indexOf('\r\n\r\n', from, 'latin1');
  if (headEnd === -1) return null;
  const head = readHead(bytes.toString('latin1', from, headEnd));
  const body = readBody(bytes, headEnd + 4, head, isEnd);
  if (body === null) return null;
  const { status, isConnectionKept } = head;
  return { answer: { status, body: body.text, isConnectionKept: isConnectionKept && !body.tookAll }, end: body.end };
}

interface Head {
  readonly status: number;
  readonly isChunked: boolean;
  /** Null: not told. */
  readonly length: number | null;
  readonly isConnectionKept: boolean;
}

function readHead(text: string): Head {
  const [minor, code] = /^HTTP\/1\.(\d) (\d{3})(?: |\r|$)/.exec(text)?.slice(1) ?? [];
  if (minor === undefined || code === undefined) throw new Error(`not an HTTP answer: ${text.slice(0, 100)}`);
  const status = Number(code);
  const connection = fieldOf(text, connectionField);
  const length = fieldOf(text, lengthField);
  if (length !== '' && !/^\d{1,9}$/.test(length)) throw new Error(`not a Content-Length: ${length}`);
  return {
    status,
    isChunked: /(?:^|[ ,])chunked$/i.test(fieldOf(text, codingField)),
    length: status < 200 || status === 204 || status === 304 ? 0 : length === '' ? null : Number(length),
    isConnectionKept: minor === '0' ? /\bkeep-alive\b/i.test(connection) : !/\bclose\b/i.test(connection),
  };
}

const connectionField = /\r\nconnection:[ \t]*([^\r]*)/i;
const lengthField = /\r\ncontent-length:[ \t]*([^\r]*)/i;
const codingField = /\r\ntransfer-encoding:[ \t]*([^\r]*)/i;

function fieldOf(head: string, field: RegExp): string {
  return field.exec(head)?.[1]?.trimEnd() ?? '';
}

interface Body {
  readonly text: string;
  readonly end: number;
  /** It ended with the connection. */
  readonly tookAll: boolean;
}

function readBody(bytes: Buffer, from: number, head: Head, isEnd: boolean): Body | null {
  if (head.isChunked) return readChunks(bytes, from);
  const end = head.length === null ? bytes.length : from + head.length;
  if (head.length === null ? !isEnd : bytes.length < end) return null;
  return { text: bytes.toString('utf8', from, end), end, tookAll: head.length === null };
}

function readChunks(bytes: Buffer, from: number): Body | null {
  const chunks: Buffer[] = [];
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1');
    if (lineEnd === -1) return null;
    const size = /^([0-9a-f]{1,7})[ \t]*(?:;|$)/i.exec(bytes.toString('latin1', at, lineEnd))?.[1];
    if (size === undefined)
      throw new Error(`not a chunk: ${bytes.toString('latin1', at, Math.min(lineEnd, at + 100))}`);
    const chunkFrom = lineEnd + 2;
    const chunkEnd = chunkFrom + Number.parseInt(size, 16);
    if (chunkEnd === chunkFrom) {
      // Trailers, if any, end with an empty line.
      const end = bytes.indexOf('\r\n\r\n', lineEnd, 'latin1') + 4;
      return end < 4 ? null : { text: Buffer.concat(chunks).toString(), end, tookAll: false };
    }
    if (bytes.length < chunkEnd + 2) return null;
    chunks.push(bytes.subarray(chunkFrom, chunkEnd));
    at = chunkEnd + 2;
  }
}
