import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startRawServer } from '../testing/raw-server.ts';
import { createAlarms } from '../testing/scripted-master.ts';
import { createPipeline } from './pipeline.ts';

/** What a server does with a request, in turn: answer it, answer it together with the next, say or not that it closes. */
const deed = fc.constantFrom('answer', 'answer', 'answer', 'hold', 'closing', 'end', 'drop');

test('whatever a server does, every call is told its own answer, or that it is not known', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 150 }), check),
    { numRuns: 60 },
  );
});

async function check(deeds: readonly string[], count: number): Promise<void> {
  let requests = 0;
  const held = new Map<object, string>();
  const server = await startRawServer(({ socket }, body) => {
    const what = deeds[requests++ % deeds.length];
    if (what === 'drop') return void socket.destroy();
    const close = what === 'closing' ? 'Connection: close\r\n' : '';
    const text = `${held.get(socket) ?? ''}HTTP/1.1 400 Bad\r\n${close}Content-Length: ${body.length}\r\n\r\n${body}`;
    held.delete(socket);
    if (what === 'hold') held.set(socket, text);
    else if (what === 'end') socket.end(text);
    else socket.write(text);
    // The last one on its way: nothing comes after it that would bring what is held.
    if (what === 'hold') setImmediate(() => socket.write(held.get(socket) ?? '') && held.delete(socket));
  });
  const { setAlarm } = createAlarms();
  const pipeline = createPipeline({
    url: server.url,
    headers: {},
    ca: undefined,
    timeoutMs: 1,
    maxWaiting: 1e6,
    setAlarm,
  });
  const answers = await Promise.all(Array.from({ length: count }, (_, i) => pipeline.call(Buffer.from(`call ${i}`))));
  pipeline.end();
  await server.stop();
  for (const [i, answer] of answers.entries()) {
    if (answer.kind !== 'unknown') expect(answer).toEqual({ kind: 'refused', status: 400, detail: `call ${i}` });
  }
  // Only a server that answers nothing on a connection leaves calls unanswered.
  if (!deeds.includes('drop')) expect(answers.filter(({ kind }) => kind === 'unknown')).toEqual([]);
  expect(pipeline.waiting()).toBe(0);
}
