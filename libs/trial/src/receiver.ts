import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { parseExactJson, parseTaskId, type TaskId } from '@juice/contracts';

/** One callback as it arrived. */
export interface ReceivedCallback {
  readonly taskId: TaskId;
  readonly result: string;
  readonly sequence: number;
  readonly message: string;
  /** `webhook-id`: the same on every try of a state. */
  readonly id: string;
  /** Whether the Standard Webhooks signature is right. */
  readonly isSigned: boolean;
  readonly atMs: number;
}

export interface Receiver {
  readonly url: string;
  /** In order of arrival. */
  readonly received: readonly ReceivedCallback[];
  close(): Promise<void>;
}

/** A tenant's webhook receiver: keeps what it gets and answers as `answer` says (200 by default). */
export async function startReceiver(options: {
  secret: string;
  answer?: (callback: ReceivedCallback) => number;
}): Promise<Receiver> {
  const { answer = () => 200 } = options;
  const webhook = new Webhook(options.secret);
  const received: ReceivedCallback[] = [];
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      const callback = parseCallback(body, request, webhook);
      received.push(callback);
      response.writeHead(answer(callback)).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function parseCallback(body: string, { headers }: IncomingMessage, webhook: Webhook): ReceivedCallback {
  const given = parseExactJson(body) as { taskId: bigint; result: string; sequence: number; message: string };
  const taskId = parseTaskId(String(given.taskId));
  if (taskId === null) throw new TypeError(`a callback without a task id: ${body}`);
  const { result, sequence, message } = given;
  const isSigned = verifies(webhook, body, headers);
  return { taskId, result, sequence, message, id: String(headers['webhook-id']), isSigned, atMs: Date.now() };
}

function verifies(webhook: Webhook, body: string, headers: IncomingMessage['headers']): boolean {
  try {
    webhook.verify(body, headers as Record<string, string>);
    return true;
  } catch {
    // What does not verify is what this is here to tell.
    return false;
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
