import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createStop } from './stop.ts';

interface Line {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function arrange(graceMs = 1000) {
  const lines: Line[] = [];
  const said: string[] = [];
  const note = (event: string, fields = {}): void => void lines.push({ event, fields });
  const signals = new EventEmitter();
  const host = Object.assign(signals, { exit: (code: number) => void signals.emit('exit', code) });
  const stop = createStop({
    graceMs,
    host,
    log: { info: note, warn: note, error: note, close: async () => void said.push('log closed') },
  });
  const exited = once(signals, 'exit').then(([code]) => code as number);
  return { stop, signals, exited, lines, said, events: () => lines.map(({ event }) => event) };
}

/** Settles never. */
const never = (): Promise<void> => Promise.race<void>([]);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('createStop', () => {
  test('closes in reverse order, one after the other, then the log, and exits 0', async () => {
    const { stop, signals, exited, said, events } = arrange();
    stop.closes({ close: async () => void said.push('database') });
    stop.closes({
      stop: async () => {
        await Promise.resolve();
        said.push('loop');
      },
    });
    stop.closes(() => void said.push('listener'));
    expect(stop.signal.aborted).toBe(false);
    signals.emit('SIGTERM');
    expect(stop.signal.aborted).toBe(true);
    expect(await exited).toBe(0);
    expect(said).toEqual(['listener', 'loop', 'database', 'log closed']);
    expect(events()).toEqual(['service.stopping', 'service.stopped']);
  });

  test('a closer that fails does not keep the others from their turn, but the exit code tells', async () => {
    const { stop, exited, said, events } = arrange();
    stop.closes(() => void said.push('first registered'));
    stop.closes(() => Promise.reject(new Error('broken')));
    stop.begin('test');
    expect(await exited).toBe(1);
    expect(said).toEqual(['first registered', 'log closed']);
    expect(events()).toEqual(['service.stopping', 'service.failed']);
  });

  test('past the grace the process exits with what is left unclosed', async () => {
    const { stop, exited, lines } = arrange(5000);
    stop.closes(() => undefined);
    stop.closes(() => never());
    stop.begin('test');
    await jest.advanceTimersByTimeAsync(5000);
    expect(await exited).toBe(1);
    expect(lines.at(-1)).toMatchObject({ event: 'service.failed', fields: { left: 1 } });
  });

  test('a second signal exits at once', async () => {
    const { stop, signals, exited } = arrange();
    stop.closes(() => never());
    signals.emit('SIGINT');
    signals.emit('SIGINT');
    expect(await exited).toBe(130);
  });

  test('a failure stops in the same order and exits 1', async () => {
    const { stop, exited, said, events } = arrange();
    stop.closes(() => void said.push('closed'));
    stop.fail(new Error('the loop died'));
    expect(await exited).toBe(1);
    expect(said).toEqual(['closed', 'log closed']);
    expect(events()).toEqual(['service.failed', 'service.stopping']);
  });

  test('without something that starting needs it fails by that, and what waits for it is aborted', async () => {
    const { stop, exited, events, lines } = arrange();
    expect(await stop.needs(Promise.resolve(7))).toBe(7);
    const error = new Error('the database is too new');
    await expect(stop.needs(Promise.reject(error))).rejects.toMatchObject({ name: 'AbortError' });
    expect(await exited).toBe(1);
    expect(events()).toEqual(['service.failed', 'service.stopping']);
    expect(lines[0]).toMatchObject({ fields: { error } });
  });
});
