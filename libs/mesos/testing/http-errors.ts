import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { expect } from '@jest/globals';
import { loadHttpErrors, type RecordedAnswer } from './recordings.ts';
import { observeFramework } from './observed-framework.ts';

interface Ids {
  readonly frameworkId: string;
  readonly streamId: string;
}

/** The last recorded request is the only one that finds its framework disconnected. */
const whenDisconnected = 'disconnected framework';

/** Sends the recorded requests, in order, in a session of its own, and expects the recorded answers. */
export async function checkHttpErrors(url: string): Promise<void> {
  const framework = await observeFramework(url);
  const ids = { frameworkId: framework.id, streamId: framework.subscription.streamId };
  const recorded = loadHttpErrors();
  for (const { name, ...wanted } of recorded.filter((answer) => answer.name !== whenDisconnected)) {
    const answer = await send(url, wanted.request, ids);
    expect({ name, ...answer }).toEqual({ name, ...answerOf(wanted, ids) });
  }

  framework.subscription.close();
  const last = recorded.find(({ name }) => name === whenDisconnected) as RecordedAnswer;
  // The master notices a broken connection a moment later, and takes the call until then.
  let answer = await send(url, last.request, ids);
  for (const deadline = Date.now() + 30_000; answer.status === 202 && Date.now() < deadline;) {
    answer = await send(url, last.request, ids);
  }
  expect(answer).toEqual(answerOf(last, ids));

  const again = await observeFramework(url, { id: framework.id });
  await again.call({ type: 'TEARDOWN' });
  again.subscription.close();
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string | undefined;
  readonly allow: string | undefined;
}

function answerOf({ status, body, headers }: Omit<RecordedAnswer, 'name'>, ids: Ids): Answer {
  return { status, body: withIds(body, ids), contentType: headers['content-type'], allow: headers['allow'] };
}

async function send(url: string, recorded: RecordedAnswer['request'], ids: Ids): Promise<Answer> {
  const headers = Object.entries(recorded.headers).map(([key, value]) => [key, withIds(value, ids)] as const);
  const outgoing = request(new URL(recorded.path, url), {
    method: recorded.method,
    headers: Object.fromEntries(headers),
  });
  const { body } = recorded;
  outgoing.end(body?.startsWith('base64:') ? Buffer.from(body.slice(7), 'base64') : body && withIds(body, ids));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return {
    status: response.statusCode ?? 0,
    body: Buffer.concat(chunks).toString(),
    contentType: response.headers['content-type'],
    allow: response.headers.allow,
  };
}

function withIds(text: string, { frameworkId, streamId }: Ids): string {
  return text.replaceAll('FRAMEWORK_ID', frameworkId).replaceAll('STREAM_ID', streamId);
}
