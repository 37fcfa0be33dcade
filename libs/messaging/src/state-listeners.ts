import type { BrokerState } from './broker.ts';

/** Keeps a broker's state and tells its changes. */
export function createStateListeners(first: BrokerState): {
  state(): BrokerState;
  change(next: BrokerState): void;
  add(listener: (state: BrokerState) => void): () => void;
} {
  const listeners = new Set<(state: BrokerState) => void>();
  let state = first;
  return {
    state: () => state,
    change(next) {
      if (next === state) return;
      state = next;
      for (const listener of listeners) listener(next);
    },
    add(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
