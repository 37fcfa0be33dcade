import { drainSwitchOf, launchStopsOf, type LaunchStops, type SwitchedOn } from '@juice/contracts';
import type { Event } from '@juice/scheduling';

/** The operator's switches that are on. */
export interface SwitchSource {
  loadSwitches(): Promise<readonly SwitchedOn[]>;
}

/** Why this host's schedulers are not to lead; null: they may. Throws DependencyFailure. */
export async function drainOf(host: string, source: SwitchSource): Promise<string | null> {
  const drain = drainSwitchOf(host);
  return (await source.loadSwitches()).find(({ name }) => name === drain)?.reason ?? null;
}

export interface SwitchReader {
  /** Tells the core and the process how the switches are: at a takeover, when a message says so, and now and then. */
  read(): Promise<void>;
}

export function createSwitchReader(deps: {
  source: SwitchSource;
  /** As the switch that drains this process names it. */
  host: string;
  push: (event: Event) => void;
  /** This process is to give the lead up. */
  onDrained: (reason: string) => void;
  now: () => number;
}): SwitchReader {
  const { source, host, push, onDrained, now } = deps;
  const drain = drainSwitchOf(host);
  let told = write(launchStopsOf([]));
  return {
    async read() {
      const switches = await source.loadSwitches();
      const stops = launchStopsOf(switches);
      const telling = write(stops);
      if (telling !== told) push({ kind: 'launching.switched', atMs: now(), stops });
      told = telling;
      const drained = switches.find(({ name }) => name === drain);
      if (drained !== undefined) onDrained(drained.reason);
    },
  };
}

function write({ all, roles }: LaunchStops): string {
  return JSON.stringify([all, [...roles]]);
}
