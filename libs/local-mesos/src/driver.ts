import type { Cluster } from './cluster/cluster.ts';
import type { Effect, SendEffect } from './cluster/cluster-state.ts';

/** Where the effects of the cluster go. Every member may call back into the driver. */
export interface Surroundings {
  readonly now: () => number;
  readonly stream: {
    send(effect: SendEffect): void;
    end(effect: Effect & { kind: 'end' }): void;
  };
  readonly executor: Executor;
  /** Writes the snapshot; what follows is carried out only after it has returned. */
  save(): void;
}

/** Runs tasks. Every launch is answered by reports, of which the last is `exited` or `failed`. */
export interface Executor {
  launch(launch: Launch): void;
  /** Asks the task to end within the grace; one that is still being started is given up. */
  stop(containerId: string, graceMs: number): void;
  /** Makes it end now. */
  force(containerId: string): void;
  /** Ends everything and resolves when nothing is left. Nothing is reported any more. */
  close(): Promise<void>;
}

export type Launch = Effect & { kind: 'launch' };

export interface Driver {
  /** Gives the cluster an input and carries out what follows, in order. */
  feed(input: (nowMs: number) => readonly Effect[]): void;
  stop(): void;
}

/** Ties the cluster to clock, streams and executor. Effects that cause inputs at once are worked off one after another. */
export function createDriver(cluster: Cluster, surroundings: Surroundings): Driver {
  let waiting: Effect[] = [];
  let working = false;
  let stopped = false;
  let timer: { readonly handle: NodeJS.Timeout; readonly atMs: number } | null = null;

  function feed(input: (nowMs: number) => readonly Effect[]): void {
    if (stopped) return;
    for (const effect of input(surroundings.now())) waiting.push(effect);
    if (working) return;
    working = true;
    try {
      // The list may grow while it is worked off.
      for (const effect of waiting) carryOut(effect, surroundings);
    } finally {
      working = false;
      waiting = [];
    }
    setTimer();
  }

  function setTimer(): void {
    const atMs = cluster.nextDueMs();
    if (atMs === null || timer?.atMs === atMs) return;
    if (timer !== null) clearTimeout(timer.handle);
    const handle = setTimeout(
      () => {
        timer = null;
        feed((nowMs) => cluster.tick(nowMs));
      },
      Math.max(0, atMs - surroundings.now()),
    );
    timer = { handle, atMs };
  }

  setTimer();
  return {
    feed,
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer.handle);
    },
  };
}

function carryOut(effect: Effect, { stream, executor, save }: Surroundings): void {
  switch (effect.kind) {
    case 'event':
    case 'update.garbled':
      return stream.send(effect);
    case 'end':
      return stream.end(effect);
    case 'launch':
      return executor.launch(effect);
    case 'stop':
      return executor.stop(effect.containerId, effect.graceMs);
    case 'force':
      return executor.force(effect.containerId);
    case 'save':
      return save();
  }
}
