import type { JuiceProcess } from '@juice/trial';

/** What an orchestrator does for one process: when it has ended, however that was, another one is started. */
export interface KeptProcess {
  /** The present one, when it is ready. */
  up(): Promise<JuiceProcess>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** Exit codes of those that nobody had told to end. */
  readonly ownEnds: readonly (number | null)[];
  /** Kills it for good. */
  close(): Promise<void>;
}

/** What does not start so often one after the other does not start at all. */
const mostTries = 5;

/** Resolves when the first one is ready. */
export async function keepUp(start: () => Promise<JuiceProcess>): Promise<KeptProcess> {
  const ownEnds: (number | null)[] = [];
  let isOver = false;
  let isTold = false;
  let present = startOne();
  await present;

  async function startOne(tries = 1): Promise<JuiceProcess> {
    try {
      const started = await start();
      isTold = false;
      void started.gone.then(startNext);
      return started;
    } catch (error: unknown) {
      if (tries === mostTries || isOver) throw error;
      return startOne(tries + 1);
    }
  }

  function startNext(code: number | null): void {
    if (isOver) return;
    if (!isTold) ownEnds.push(code);
    present = startOne();
    // Told to whoever asks for it.
    present.catch(() => undefined);
  }

  return {
    ownEnds,
    up: () => present,
    async kill() {
      const victim = await present;
      isTold = true;
      await victim.end('SIGKILL');
    },
    async close() {
      isOver = true;
      const last = await present.catch(() => null);
      await last?.end('SIGKILL');
    },
  };
}
