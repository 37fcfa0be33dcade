import type { Switch, SwitchStore } from '../src/index.ts';

/** The operator's switches in memory, held to the same contract suite as the real ones. */
export function createMemorySwitches(): SwitchStore {
  const on = new Map<string, Switch>();
  return {
    loadSwitches: async () => [...on.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    async turnOn(name, { reason, by }, atMs) {
      const changedAt = new Date(atMs);
      const turned = { name, reason, by, since: on.get(name)?.since ?? changedAt, changedAt };
      on.set(name, turned);
      return turned;
    },
    turnOff: async (name) => on.delete(name),
  };
}
