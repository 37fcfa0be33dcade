import { DependencyFailure, parseSwitchName, switchKinds, type EventName, type SwitchKind } from '@juice/contracts';
import type { Switch } from '@juice/persistence';
import { refuse, type Refusal } from './refusal.ts';

/** Tells that a switch was turned; nothing while the broker is away. */
export interface SwitchHints {
  listen(
    exchange: 'juice.commands',
    pattern: 'command.switches-changed',
    onPublished: () => void,
  ): Promise<{ cancel(): Promise<void> }>;
}

/**
 * The operator's switches as this process knows them: read at the start, when a message says that one was turned, and
 * every few seconds, for messages get lost. While the store is away they are as they were.
 */
export interface SwitchWatch {
  /** Why submissions are to be refused; null: they are not. */
  intakeStop(): string | null;
  /** How many of each kind are on. */
  counts(): Readonly<Record<SwitchKind, number>>;
  /** Reads them now: somebody here has turned one. Never rejects. */
  refresh(): Promise<void>;
  /** Resolves when the switches are known; throws DependencyFailure when they cannot be read. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A turned switch holds everywhere after this long, even without the broker; a process asks for a few documents. */
const readEveryMs = 3_000;

export function createSwitchWatch(deps: {
  switches: { loadSwitches(): Promise<readonly Switch[]> };
  hints: SwitchHints;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  log: { warn(event: EventName, fields: Readonly<Record<string, unknown>>): void };
}): SwitchWatch {
  const { switches, hints, wait, log } = deps;
  const stopping = new AbortController();
  let known: readonly Switch[] = [];
  let reads = 0;
  let listener: { cancel(): Promise<void> } | null = null;
  let reading: Promise<void> | null = null;

  async function refresh(): Promise<void> {
    reads += 1;
    const mine = reads;
    try {
      const found = await switches.loadSwitches();
      // Of two under way at once the one that was begun later counts.
      if (mine === reads) known = found;
    } catch (error: unknown) {
      if (!(error instanceof DependencyFailure)) throw error;
      log.warn('dependency.unreachable', { dependency: error.dependency, operation: error.operation, error });
    }
  }

  async function readRegularly(): Promise<void> {
    for (;;) {
      await wait(readEveryMs, stopping.signal);
      if (stopping.signal.aborted) return;
      await refresh();
    }
  }

  return {
    intakeStop: () => known.find(({ name }) => name === 'stop-intake')?.reason ?? null,
    counts() {
      const counts = Object.fromEntries(switchKinds.map((kind) => [kind, 0])) as Record<SwitchKind, number>;
      for (const { name } of known) {
        const parsed = parseSwitchName(name);
        if (parsed !== null) counts[parsed.kind] += 1;
      }
      return counts;
    },
    refresh,
    async start() {
      known = await switches.loadSwitches();
      reading = readRegularly();
      listener = await hints
        .listen('juice.commands', 'command.switches-changed', () => void refresh())
        .catch(nothingWhenAway);
    },
    async stop() {
      stopping.abort();
      await listener?.cancel().catch(nothingWhenAway);
      await reading;
    },
  };
}

function nothingWhenAway(error: unknown): null {
  if (error instanceof DependencyFailure) return null;
  throw error;
}

export function refuseIntake(reason: string): Refusal {
  const message = `an operator has stopped the intake of tasks: ${reason}; nothing was stored, try again later`;
  return refuse('stopped', { member: 'request', code: 'INTAKE_STOPPED', message });
}
