import type { Endpoint, EndpointStore } from '@juice/persistence';

type Store = Pick<EndpointStore, 'loadEndpoints' | 'endpointsChangedSince' | 'endpointsAfter'>;

export interface EndpointChanges {
  readonly changed: readonly Endpoint[];
  /** Those of the watched ones that have no document any more. */
  readonly gone: readonly string[];
}

/**
 * Reads what was changed since the last time: at first all there is, then by the time of the change, with an overlap that covers
 * clocks which differ and writes that were under way. `watched` are read in any case, in turns: what would be missed otherwise
 * is that a document was removed.
 */
export function createEndpointReader({ store, now }: { store: Store; now: () => number }) {
  /** null: nothing was read yet. */
  let sinceMs: number | null = null;
  let turn = 0;

  async function readAll(): Promise<readonly Endpoint[]> {
    const all: Endpoint[] = [];
    const beganAtMs = now();
    for (let after: string | null = null; ;) {
      const page: readonly Endpoint[] = await store.endpointsAfter(null, after, pageSize);
      all.push(...page);
      after = page.at(-1)?.endpoint ?? null;
      if (page.length < pageSize) break;
    }
    sinceMs = beganAtMs - overlapMs;
    return all;
  }

  async function readSince(fromMs: number): Promise<readonly Endpoint[]> {
    const found = await store.endpointsChangedSince(fromMs, pageSize);
    const lastMs = found.at(-1)?.changedAtMs ?? 0;
    // A full page: what is left is read next time, from where this one ended.
    sinceMs = Math.max(fromMs, found.length === pageSize ? lastMs : lastMs - overlapMs);
    return found;
  }

  return async (watched: readonly string[]): Promise<EndpointChanges> => {
    const changed = sinceMs === null ? await readAll() : await readSince(sinceMs);
    const start = watched.length > mostWatched ? (turn++ * mostWatched) % watched.length : 0;
    const asked = watched.slice(start, start + mostWatched);
    const found = await store.loadEndpoints(asked);
    const present = new Set([...changed, ...found].map(({ endpoint }) => endpoint));
    return { changed: [...changed, ...found], gone: asked.filter((endpoint) => !present.has(endpoint)) };
  };
}

const pageSize = 2_000;
const mostWatched = 500;
/** More than clocks that are kept in time differ by; a minute of changes is read again each time. */
const overlapMs = 60_000;
