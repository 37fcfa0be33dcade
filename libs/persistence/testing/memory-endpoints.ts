import { plainEndpointState, unknownEndpoint, type Endpoint, type EndpointStore } from '../src/index.ts';

/** Endpoints in memory. Held to the same contract suite as the real ones. `onOperation` can make an operation fail. */
export interface MemoryEndpoints {
  readonly store: EndpointStore;
  /** Called before every operation: may throw in its place. */
  onOperation: (operation: keyof EndpointStore) => void;
}

export function createMemoryEndpoints(): MemoryEndpoints {
  const all = new Map<string, Endpoint>();
  let stamps = 0;
  const put = (endpoint: Omit<Endpoint, 'stamp'>): Endpoint => {
    stamps += 1;
    const stored = { ...endpoint, stamp: String(stamps) };
    all.set(stored.endpoint, stored);
    return stored;
  };
  const isKept = ({ paused }: Endpoint, isOperators: boolean): boolean => paused?.isOperators === true && !isOperators;
  const byName = () => [...all.values()].toSorted((a, b) => (a.endpoint < b.endpoint ? -1 : 1));

  const store: EndpointStore = {
    async loadEndpoints(names) {
      made.onOperation('loadEndpoints');
      return names.flatMap((name) => all.get(name) ?? []);
    },
    async endpointsChangedSince(sinceMs, limit) {
      made.onOperation('endpointsChangedSince');
      const changed = [...all.values()].filter(({ changedAtMs }) => changedAtMs >= sinceMs);
      return changed.toSorted((a, b) => a.changedAtMs - b.changedAtMs).slice(0, limit);
    },
    async endpointsAfter(tenantId, after, limit) {
      made.onOperation('endpointsAfter');
      return byName()
        .filter(({ endpoint }) => tenantId === null || endpoint.startsWith(`${tenantId} `))
        .filter(({ endpoint }) => after === null || endpoint > after)
        .slice(0, limit);
    },
    async saveEndpoint(seen, state, atMs) {
      made.onOperation('saveEndpoint');
      const present = all.get(seen.endpoint);
      if ((present?.stamp ?? null) !== seen.stamp) return null;
      return put({ ...state, endpoint: seen.endpoint, paused: present?.paused ?? null, changedAtMs: atMs });
    },
    async pauseEndpoint(endpoint, paused) {
      made.onOperation('pauseEndpoint');
      const present = all.get(endpoint) ?? unknownEndpoint(endpoint);
      if (isKept(present, paused.isOperators)) return { kind: 'kept', endpoint: present };
      return { kind: 'changed', endpoint: put({ ...present, paused, changedAtMs: paused.atMs }) };
    },
    async resumeEndpoint(endpoint, { atMs, isOperators }) {
      made.onOperation('resumeEndpoint');
      const present = all.get(endpoint);
      if (present === undefined) return null;
      if (isKept(present, isOperators)) return { kind: 'kept', endpoint: present };
      const resumed = { ...plainEndpointState, rampFromMs: atMs, endpoint, paused: null, changedAtMs: atMs };
      return { kind: 'changed', endpoint: put(resumed) };
    },
  };
  const made: MemoryEndpoints = { store, onOperation: () => undefined };
  return made;
}
