import { createServer, type AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { expect, test } from '@jest/globals';
import { ConfigProblems } from './load-config.ts';
import { runMain } from './run-main.ts';

async function run(main: () => Promise<void>): Promise<{ code: number | null; words: string }> {
  const seen: { code: number | null; words: string } = { code: null, words: '' };
  await runMain(main, { stderr: { write: (text) => (seen.words += text) }, exit: (code) => (seen.code = code) });
  return seen;
}

test('a configuration that cannot be used exits 78 with all its problems', async () => {
  const problems = new ConfigProblems([
    { variable: 'A', given: null, problem: 'is not set' },
    { variable: 'B', given: 'x', problem: 'must be a number' },
  ]);
  const { code, words } = await run(() => Promise.reject(problems));
  expect(code).toBe(78);
  expect(words).toBe('The configuration cannot be used:\n  A: is not set\n  B is "x": must be a number\n');
});

test('an unknown option exits 64 with its name and no stack', async () => {
  const { code, words } = await run(async () => void parseArgs({ args: ['--tasks', '5'], options: {} }));
  expect(code).toBe(64);
  expect(words).toMatch(/^Unknown option '--tasks'.*\n$/);
});

test('anything else exits 1 with its stack', async () => {
  const { code, words } = await run(() => Promise.reject(new TypeError('oops')));
  expect(code).toBe(1);
  expect(words).toContain('TypeError: oops\n    at');
});

test('a main interrupted by its stop signal leaves the exit to stopping', async () => {
  const stopping = AbortSignal.abort();
  expect(await run(async () => stopping.throwIfAborted())).toEqual({ code: null, words: '' });
});

test('a main that goes well neither writes nor exits', async () => {
  expect(await run(async () => undefined)).toEqual({ code: null, words: '' });
});

test('a port in use is told in words', async () => {
  const [first, second] = [createServer(), createServer()];
  await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
  const { port } = first.address() as AddressInfo;
  const { code, words } = await run(
    () =>
      new Promise((_, reject) => {
        second.once('error', reject);
        second.listen(port, '127.0.0.1');
      }),
  );
  await new Promise((resolve) => first.close(resolve));
  expect(code).toBe(1);
  expect(words).toBe(
    `Cannot listen on 127.0.0.1:${port}: another program listens there. Choose another port, or 0 for any free one.\n`,
  );
});
