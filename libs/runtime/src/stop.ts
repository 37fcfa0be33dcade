import type { Report } from './report.ts';

/** Something to be closed when the process stops: by its `close`, its `stop`, or as a function. */
export type Closable =
  { close(): Promise<unknown> | void } | { stop(): Promise<unknown> | void } | (() => Promise<unknown> | void);

export interface Stop {
  /** Registers something to be closed; the last registered is closed first. Returns it. */
  closes<Thing extends Closable>(thing: Thing): Thing;
  /** Aborted as soon as stopping begins: ends waits (`connectWithBackoff`) and loops. */
  readonly signal: AbortSignal;
  /** Stops in an orderly way and exits 0; calling it again changes nothing. */
  begin(reason: string): void;
  /** A loop or connection the process cannot do without has died: stops in the same way, but exits 1. */
  fail(error: unknown): void;
  /** Something that there is no starting without: when it rejects, the process fails by that, and what waited is aborted. */
  needs<T>(work: Promise<T>): Promise<T>;
}

/** The part of `process` that stopping needs. */
export interface StopHost {
  on(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * Ends the process in order. SIGTERM, SIGINT and SIGHUP begin it: everything registered is closed one after the other, in
 * reverse order of registration, then the log, and the process exits. All of it together may take `graceMs`; past that
 * the process exits 1 with what is left unclosed (nothing of ours relies on being closed: the truth is in MongoDB). One
 * closer that fails does not keep the others from their turn, but makes the exit code 1. A second signal exits at once.
 */
export function createStop(deps: {
  log: Report & { close?(): Promise<void> };
  graceMs: number;
  host?: StopHost;
}): Stop {
  const { log, graceMs, host = process } = deps;
  const closers: Closable[] = [];
  const stopping = new AbortController();
  let exitCode = 0;

  async function closeAll(): Promise<void> {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
      try {
        await close(closer);
      } catch (error: unknown) {
        exitCode = 1;
        log.error('service.failed', { operation: 'stop', error });
      }
    }
    if (exitCode === 0) log.info('service.stopped');
    await log.close?.();
  }

  function begin(reason: string): void {
    if (stopping.signal.aborted) return;
    log.info('service.stopping', { reason, graceMs });
    stopping.abort();
    const deadline = setTimeout(() => {
      log.error('service.failed', {
        operation: 'stop',
        reason: `not stopped after ${graceMs} ms`,
        left: closers.length,
      });
      void Promise.resolve(log.close?.()).finally(() => host.exit(1));
    }, graceMs);
    void closeAll().finally(() => {
      clearTimeout(deadline);
      host.exit(exitCode);
    });
  }

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    // The terminal was closed.
    ['SIGHUP', 129],
  ] as const) {
    host.on(signal, () => (stopping.signal.aborted ? host.exit(code) : begin(signal)));
  }

  function fail(error: unknown): void {
    exitCode = 1;
    log.error('service.failed', { error });
    begin('failure');
  }

  return {
    signal: stopping.signal,
    begin,
    closes(thing) {
      closers.push(thing);
      return thing;
    },
    fail,
    async needs(work) {
      try {
        return await work;
      } catch (error: unknown) {
        if (!stopping.signal.aborted) fail(error);
        throw stopping.signal.reason;
      }
    },
  };
}

async function close(closer: Closable): Promise<void> {
  if (typeof closer === 'function') await closer();
  else if ('close' in closer) await closer.close();
  else await closer.stop();
}
