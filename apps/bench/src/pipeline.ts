import { once } from 'node:events';
import { connect } from 'node:net';

/** HTTP/1.1 requests over one connection, each sent without waiting for the answers to those before it. */
export interface Pipeline {
  /** Resolves with the status once the whole answer is there; rejects when the connection ended before. */
  post(body: Uint8Array): Promise<number>;
  close(): void;
}

interface Waiting {
  readonly resolve: (status: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The peer of the client's pool. It knows what a benchmark's master answers, and no more: every answer has a
 * Content-Length; one that has not ends the connection, and with it everything that was in flight.
 */
export async function openPipeline(url: URL, headers: Readonly<Record<string, string>>): Promise<Pipeline> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  await once(socket, 'connect');
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n${lines.join('')}Content-Length: `;
  /** In the order of their requests, which is the order of the answers. */
  let waiting: Waiting[] = [];
  let isCorked = false;
  const reader = createAnswerReader((status) => waiting.shift()?.resolve(status));

  socket.on('data', (chunk) => {
    try {
      reader.push(chunk);
    } catch (error: unknown) {
      socket.destroy(error as Error);
    }
  });
  let problem = new Error('the connection was closed');
  socket.on('error', (error) => (problem = error));
  socket.on('close', () => {
    for (const { reject } of waiting) reject(problem);
    waiting = [];
  });

  /** What is sent in one turn leaves in one write. */
  function corkForThisTurn(): void {
    if (isCorked) return;
    isCorked = true;
    socket.cork();
    process.nextTick(() => {
      isCorked = false;
      socket.uncork();
    });
  }

  return {
    post: (body) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(problem);
        waiting.push({ resolve, reject });
        corkForThisTurn();
        socket.write(`${head}${body.length}\r\n\r\n`, 'latin1');
        socket.write(body);
      }),
    close: () => void socket.destroy(),
  };
}

const headEnd = Buffer.from('\r\n\r\n');

/** Finds the answers in the bytes of a connection, however these are cut. Throws for what is none, or has no length. */
export function createAnswerReader(onAnswer: (status: number) => void): { push(chunk: Buffer): void } {
  let rest: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      for (;;) {
        const bodyAt = bytes.indexOf(headEnd, at) + headEnd.length;
        if (bodyAt < headEnd.length) break;
        const { status, length } = readHead(bytes.toString('latin1', at, bodyAt));
        if (bytes.length < bodyAt + length) break;
        at = bodyAt + length;
        onAnswer(status);
      }
      rest = bytes.subarray(at);
    },
  };
}

function readHead(head: string): { status: number; length: number } {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
  const length = /\r\nContent-Length: *(\d+)\r\n/i.exec(head)?.[1];
  if (status === undefined || length === undefined) throw new Error(`not an answer of known length: ${head}`);
  return { status: Number(status), length: Number(length) };
}
