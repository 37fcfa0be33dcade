import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import { classifyAnswer, type CallAnswer } from './answers.ts';
import { notSent, streamIsOver, type CallLane, type Pending } from './call-lane.ts';
import { createHttpAnswerReader, type HttpAnswer } from './http-answer.ts';
import { createLine } from './line.ts';
import type { SetAlarm } from './post.ts';

export interface PipelineParts {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly ca: string | undefined;
  /** How long the master may be silent while calls are in flight. */
  readonly timeoutMs: number;
  readonly maxWaiting: number;
  readonly setAlarm: SetAlarm;
}

/** At 10 ms to the master and back 10,000 calls a second, which is more than either end makes of them. */
const maxInFlight = 100;

interface Connection {
  readonly socket: Socket;
  /** Sent and not answered, in order. */
  readonly inFlight: Pending[];
  answers: number;
  isSilent: boolean;
  cancelAlarm: () => void;
}

/**
 * Calls over one connection, each sent without waiting for the answers to those before it. For calls that may come twice
 * and in any order, since what becomes of those in flight when a connection ends is not known:
 *
 * | the connection ended                   | those in flight    | those waiting              |
 * |----------------------------------------|--------------------|----------------------------|
 * | after it had answered something        | are sent once more | wait for a new connection  |
 * | before it had answered anything        | unknown            | are given up: unknown      |
 * | because the master was silent too long | unknown            | are given up: unknown      |
 * | after the stream                       | unknown            | subscription-lost          |
 *
 * So every connection answers a call or ends them all, and a server that closes after so many requests, or after each,
 * costs time and nothing else. A connection starts with one call in flight; each answer allows one more.
 */
export function createPipeline(parts: PipelineParts): CallLane {
  const { timeoutMs, maxWaiting, setAlarm } = parts;
  const head = requestHead(parts);
  const line = createLine<Pending>();
  let connection: Connection | null = null;
  let isScheduled = false;
  let isOver = false;

  /** What is handed over in one turn leaves in one write. */
  function sendSoon(): void {
    if (isScheduled) return;
    isScheduled = true;
    process.nextTick(() => {
      isScheduled = false;
      sendNext();
    });
  }

  function sendNext(): void {
    if (line.size() === 0) return;
    connection ??= open();
    const { socket, inFlight, answers } = connection;
    if (socket.destroyed) return;
    const next = line.take(Math.min(answers + 1, maxInFlight) - inFlight.length);
    if (next.length === 0) return;
    if (inFlight.length === 0) awaitAnswer(connection);
    inFlight.push(...next);
    socket.write(
      Buffer.concat(next.flatMap(({ body }) => [Buffer.from(`${head}${body.length}\r\n\r\n`, 'latin1'), body])),
    );
  }

  function awaitAnswer(opened: Connection): void {
    opened.cancelAlarm();
    opened.cancelAlarm = setAlarm(timeoutMs, () => {
      opened.isSilent = true;
      opened.socket.destroy(new Error(`no answer within ${timeoutMs} ms`));
    });
  }

  function open(): Connection {
    const socket = openSocket(parts);
    const opened: Connection = { socket, inFlight: [], answers: 0, isSilent: false, cancelAlarm: () => undefined };
    const reader = createHttpAnswerReader();
    let problem = 'the connection was closed';
    const read = (find: () => readonly HttpAnswer[]): void => {
      try {
        take(opened, find());
      } catch (error: unknown) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    };
    socket.on('data', (chunk) => read(() => reader.push(chunk)));
    socket.once('end', () => {
      read(() => reader.end());
      socket.destroy();
    });
    socket.once('error', (error) => (problem = error.message));
    socket.once('close', () => {
      opened.cancelAlarm();
      connection = null;
      pickUp(opened, problem);
    });
    return opened;
  }

  function take(opened: Connection, answers: readonly HttpAnswer[]): void {
    const { socket, inFlight } = opened;
    for (const { status, body, isConnectionKept } of answers) {
      const asked = inFlight.shift();
      // A proxy that gives up an idle connection may say so.
      if (asked === undefined || !isConnectionKept) socket.destroy();
      if (asked === undefined) return;
      opened.answers += 1;
      asked.settle(classifyAnswer(status, body));
    }
    if (inFlight.length > 0) awaitAnswer(opened);
    else opened.cancelAlarm();
    if (!isOver) sendNext();
    else if (inFlight.length === 0) socket.destroy();
  }

  /** See the table above. */
  function pickUp({ inFlight, answers, isSilent }: Connection, problem: string): void {
    if (answers > 0 && !isSilent && !isOver) {
      line.putBack(inFlight);
      sendNext();
      return;
    }
    settleAll(inFlight, { kind: 'unknown', detail: problem });
    settleAll(line.take(line.size()), notSent(problem));
  }

  return {
    call(body) {
      if (isOver) return Promise.resolve(streamIsOver);
      if (line.size() >= maxWaiting) return Promise.resolve(notSent(`${maxWaiting} calls wait already`));
      return new Promise((settle) => {
        line.add({ body, settle });
        sendSoon();
      });
    },
    waiting: () => line.size(),
    end() {
      if (isOver) return;
      isOver = true;
      settleAll(line.take(line.size()), streamIsOver);
      if (connection?.inFlight.length === 0) connection.socket.destroy();
    },
  };
}

function settleAll(calls: readonly Pending[], answer: CallAnswer): void {
  for (const { settle } of calls) settle(answer);
}

function requestHead({ url, headers }: PipelineParts): string {
  const fields = Object.entries({ Host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${url.pathname}${url.search} HTTP/1.1\r\n${fields.join('')}Content-Length: `;
}

function openSocket({ url, ca }: PipelineParts): Socket {
  const socket = url.protocol === 'https:' ? openTls(url, ca) : connect(placeOf(url, 80));
  // As node:http has it: nothing waits for more to send, and a peer that is gone is noticed while nothing is sent.
  return socket.setNoDelay(true).setKeepAlive(true, 1000);
}

function openTls(url: URL, ca: string | undefined): Socket {
  const place = placeOf(url, 443);
  // Which certificate is wanted is told by name; an address is none.
  const name = isIP(place.host) === 0 ? { servername: place.host } : {};
  return connectTls({ ...place, ALPNProtocols: ['http/1.1'], ...name, ...(ca !== undefined && { ca }) });
}

function placeOf(url: URL, usualPort: number): { host: string; port: number } {
  return { host: urlToHttpOptions(url).hostname ?? '', port: url.port === '' ? usualPort : Number(url.port) };
}
