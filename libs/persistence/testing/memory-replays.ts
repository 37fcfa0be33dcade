import type { HeldReplay, Replay, ReplayedCount, ReplayKey, ReplayStore } from '../src/index.ts';

interface Stored {
  replay: Replay;
  after: string | null;
  batch: HeldReplay['batch'];
  countedAtMs: number | null;
  dueAtMs: number | null;
  readonly request: ReplayKey | null;
  lease: { readonly token: string; readonly untilMs: number } | null;
}

const changes = {
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  cancel: { from: ['running', 'paused'], to: 'cancelled' },
} as const;

/** Replays in memory, held to the same contract suite as the real ones. `onOperation` may throw in an operation's place. */
export function createMemoryReplays(): ReplayStore & { onOperation: (operation: keyof ReplayStore) => void } {
  const all = new Map<string, Stored>();
  const newest = () => [...all.values()].toSorted((a, b) => (a.replay.replayId < b.replay.replayId ? 1 : -1));
  const ownedBy = (owner: string | null) => (stored: Stored | undefined) =>
    stored !== undefined && (owner === null || stored.replay.owner === owner);
  const ours = ({ replayId, token }: HeldReplay): Stored | null => {
    const stored = all.get(replayId);
    return stored?.lease?.token === token ? stored : null;
  };
  const requested = (key: string) => {
    const found = [...all.values()].find(({ request }) => request?.key === key);
    return found === undefined ? null : { replay: found.replay, hash: found.request?.hash ?? '' };
  };
  const isRunning = (stored: Stored | null): stored is Stored =>
    stored !== null && stored.replay.state === 'running' && stored.batch === null;

  const store: ReplayStore & { onOperation: (operation: keyof ReplayStore) => void } = {
    onOperation: () => undefined,
    async createReplay(made, { most, request }) {
      store.onOperation('createReplay');
      const known = request === null ? null : requested(request.key);
      if (known !== null) return { kind: 'known', ...known };
      const open = [...all.values()].filter(({ replay }) => ['running', 'paused'].includes(replay.state));
      if (open.filter(({ replay }) => replay.owner === made.owner).length >= most) return { kind: 'too-many' };
      const { createdAtMs: atMs, by, reason } = made;
      const counts = { replayed: 0, skipped: 0, delivered: 0, waiting: 0 };
      const words = [{ action: 'create' as const, atMs, by, reason }];
      const replay: Replay = { ...made, state: 'running', ...counts, endedAtMs: null, words };
      all.set(replay.replayId, {
        replay,
        request,
        after: null,
        batch: null,
        countedAtMs: null,
        dueAtMs: atMs,
        lease: null,
      });
      return { kind: 'created', replay };
    },
    async findReplay(owner, replayId) {
      const stored = all.get(replayId);
      return ownedBy(owner)(stored) ? (stored?.replay ?? null) : null;
    },
    async listReplays(owner, before, limit) {
      return newest()
        .filter(ownedBy(owner))
        .map(({ replay }) => replay)
        .filter(({ replayId }) => before === null || replayId < before)
        .slice(0, limit);
    },
    findRequested: async (key) => requested(key),
    async changeReplay(owner, replayId, word) {
      const stored = all.get(replayId);
      if (stored === undefined || !ownedBy(owner)(stored)) return null;
      const { from, to } = changes[word.action];
      if (!(from as readonly string[]).includes(stored.replay.state)) return { kind: 'refused', replay: stored.replay };
      stored.replay = { ...stored.replay, state: to, words: [...stored.replay.words, word].slice(-100) };
      stored.dueAtMs = word.atMs;
      return { kind: 'changed', replay: stored.replay };
    },
    async countReplays() {
      const open = [...all.values()].filter(({ dueAtMs }) => dueAtMs !== null);
      const count = (state: string) => open.filter(({ replay }) => replay.state === state).length;
      return { running: count('running'), paused: count('paused'), delivering: count('delivering') };
    },
    async takeReplay({ token, nowMs, leaseMs }) {
      store.onOperation('takeReplay');
      const due = [...all.values()]
        .flatMap((stored) => (stored.dueAtMs === null ? [] : [{ stored, dueAtMs: stored.dueAtMs }]))
        .filter(({ stored, dueAtMs }) => dueAtMs <= nowMs && (stored.lease?.untilMs ?? 0) <= nowMs)
        .toSorted((a, b) => a.dueAtMs - b.dueAtMs)[0];
      if (due === undefined) return null;
      const { stored } = due;
      stored.lease = { token, untilMs: nowMs + leaseMs };
      return asHeld(stored);
    },
    async beginBatch(held, batch, after) {
      store.onOperation('beginBatch');
      const stored = ours(held);
      if (!isRunning(stored)) return false;
      Object.assign(stored, { batch: [...batch], after });
      return true;
    },
    async endBatch(held, { replayed, skipped }) {
      store.onOperation('endBatch');
      const stored = ours(held);
      if (stored === null || stored.batch === null) return null;
      const { replay } = stored;
      const counts = { replayed: replay.replayed + replayed, waiting: replay.waiting + replayed };
      stored.replay = { ...replay, ...counts, skipped: replay.skipped + skipped };
      stored.batch = null;
      return asHeld(stored);
    },
    async endSelection(held) {
      store.onOperation('endSelection');
      const stored = ours(held);
      if (!isRunning(stored) || stored.replay.replayed !== held.replayed) return null;
      const skipped = Math.max(held.skipped, held.selected - held.replayed);
      stored.replay = { ...stored.replay, state: 'delivering', skipped };
      return asHeld(stored);
    },
    async giveBack(held, { counted, dueAtMs }) {
      store.onOperation('giveBack');
      const stored = ours(held);
      if (stored === null) return;
      stored.lease = null;
      if (stored.replay.state !== held.state) return;
      stored.dueAtMs = dueAtMs;
      if (counted !== null) count(stored, counted);
    },
    async conclude(held, { state, delivered, nowMs }) {
      store.onOperation('conclude');
      const stored = ours(held);
      if (stored === null || stored.replay.state !== state) return false;
      count(stored, { waiting: 0, delivered, atMs: nowMs });
      stored.replay = { ...stored.replay, state: state === 'delivering' ? 'done' : state, endedAtMs: nowMs };
      Object.assign(stored, { dueAtMs: null, lease: null });
      return true;
    },
  };
  return store;
}

function count(stored: Stored, counted: ReplayedCount & { readonly atMs: number }): void {
  const { waiting, delivered, atMs } = counted;
  stored.replay = { ...stored.replay, waiting, delivered };
  stored.countedAtMs = atMs;
}

function asHeld({ replay, lease, dueAtMs, after, batch, countedAtMs }: Stored): HeldReplay {
  return { ...replay, token: lease?.token ?? '', dueAtMs: dueAtMs ?? 0, after, batch, countedAtMs };
}
