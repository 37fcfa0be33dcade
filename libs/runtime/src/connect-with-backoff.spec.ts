import { describe, expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { backoffDelayMs, connectWithBackoff } from './connect-with-backoff.ts';

function arrange() {
  const lines: { event: string; fields: Record<string, unknown> }[] = [];
  const note = (event: string, fields = {}): void => void lines.push({ event, fields });
  return { lines, log: { info: note, warn: note, error: note } };
}

const atOnce = { firstMs: 0, maxMs: 0 };
const target = 'mongodb://user:hunter2@db:27017/juice?x=y';

describe('connectWithBackoff', () => {
  test('tries again until it works and says each time which dependency, where and why', async () => {
    const { lines, log } = arrange();
    const answers = [new Error('refused'), new Error('still refused'), 'connected'];
    const connect = async (): Promise<string> => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer ?? '';
    };
    const made = await connectWithBackoff({ dependency: 'mongodb', target, connect, log, backoff: atOnce });
    expect(made).toBe('connected');
    expect(lines.map(({ event }) => event)).toEqual([
      'dependency.unreachable',
      'dependency.unreachable',
      'dependency.connected',
    ]);
    expect(lines[0]?.fields).toMatchObject({ dependency: 'mongodb', target: 'mongodb://db:27017/juice', failures: 1 });
  });

  test('does not wait where waiting cannot help', async () => {
    const { log } = arrange();
    const refused = new DependencyFailure({
      dependency: 'mongodb',
      operation: 'connect',
      retryable: false,
      detail: 'authentication failed',
    });
    const connect = () => Promise.reject(refused);
    await expect(connectWithBackoff({ dependency: 'mongodb', target, connect, log })).rejects.toBe(refused);
  });

  test('for ever, a refusal is tried again too', async () => {
    const { log } = arrange();
    const failure = { dependency: 'mongodb', operation: 'connect', retryable: false, detail: 'refused' };
    const answers = [() => Promise.reject(new DependencyFailure(failure)), async () => 'connected'];
    const connect = (): Promise<string> => answers.shift()?.() ?? Promise.resolve('too often');
    const settings = { dependency: 'mongodb', target, connect, log, backoff: atOnce, isForever: true };
    expect(await connectWithBackoff(settings)).toBe('connected');
  });

  test('gives up when the process stops', async () => {
    const { log } = arrange();
    const stopping = new AbortController();
    const connect = () => {
      stopping.abort();
      return Promise.reject(new Error('refused'));
    };
    const trying = connectWithBackoff({ dependency: 'mongodb', target, connect, log, signal: stopping.signal });
    await expect(trying).rejects.toMatchObject({ name: 'AbortError' });
  });
});

test('delays double up to the cap, with jitter over the upper half', () => {
  const limits = { firstMs: 100, maxMs: 1000 };
  const most = [1, 2, 3, 4, 5, 2000].map((failures) => backoffDelayMs(failures, limits, () => 1));
  expect(most).toEqual([100, 200, 400, 800, 1000, 1000]);
  expect(backoffDelayMs(3, limits, () => 0)).toBe(200);
});
