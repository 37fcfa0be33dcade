import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { HeldReplay, NewReplay, Replay, ReplayKey, ReplayStore } from '../src/index.ts';
import { idAt } from './sample-tasks.ts';

export interface MadeReplayStore {
  readonly replays: ReplayStore;
  close(): Promise<void>;
}

const t0 = 1_750_000_000_000;
const leaseMs = 10_000;

function newReplay(n: number, changes: Partial<NewReplay> = {}): NewReplay {
  const choice = { tenantId: 'acme', origin: 'https://acme.example', untilMs: t0, taskIds: [idAt(1)] };
  return {
    ...{ replayId: `r${n}`, owner: 'acme', by: 'key-1', reason: 'receiver repaired', choice },
    ...{ ratePerSecond: 50, selected: 3, createdAtMs: t0 },
    ...changes,
  };
}

/** What a store of replays must do. `make` gives an empty one. */
export function replayStoreContract(make: () => Promise<MadeReplayStore>): void {
  describe('a store of replays', () => {
    let made: MadeReplayStore;
    let replays: ReplayStore;
    beforeEach(async () => {
      made = await make();
      ({ replays } = made);
    });
    afterEach(() => made.close());

    const find = async (replayId = 'r1'): Promise<Replay> => {
      const found = await replays.findReplay(null, replayId);
      if (found === null) throw new Error('there is no such replay');
      return found;
    };
    const create = (made: NewReplay, most = 10, request: ReplayKey | null = null) =>
      replays.createReplay(made, { most, request });
    const tryTake = (nowMs = t0, token = `token-${nowMs}`) => replays.takeReplay({ token, nowMs, leaseMs });
    const take = async (nowMs = t0, token?: string): Promise<HeldReplay> => {
      const held = await tryTake(nowMs, token);
      if (held === null) throw new Error('it could not be taken');
      return held;
    };
    const counted = (waiting: number, delivered: number) => ({ waiting, delivered, atMs: t0 + 7 });
    const word = (action: 'pause' | 'resume' | 'cancel', atMs = t0 + 5) =>
      ({ action, atMs, by: 'key-2', reason: `to ${action}` }) as const;
    const change = (action: 'pause' | 'resume' | 'cancel', owner: string | null = null, atMs?: number) =>
      replays.changeReplay(owner, 'r1', word(action, atMs));

    test('what is made is found as it was made, by whom it belongs to and by operators', async () => {
      const created = await create(newReplay(1));
      const replay = await find();
      expect(created).toEqual({ kind: 'created', replay });
      expect(replay).toEqual({
        ...newReplay(1),
        ...{ state: 'running', replayed: 0, skipped: 0, delivered: 0, waiting: 0, endedAtMs: null },
        words: [{ action: 'create', atMs: t0, by: 'key-1', reason: 'receiver repaired' }],
      });
      expect(await replays.findReplay('acme', 'r1')).toEqual(replay);
      expect(await replays.findReplay(null, 'r1')).toEqual(replay);
      expect(await replays.findReplay('other', 'r1')).toBeNull();
      expect(await replays.findReplay('acme', 'r2')).toBeNull();
    });

    test('they are listed, the newest first, page by page, and those that go on counted', async () => {
      for (const n of [1, 2, 3]) await create(newReplay(n));
      await create(newReplay(4, { owner: null }));
      const ids = async (owner: string | null, before: string | null, limit = 10) =>
        (await replays.listReplays(owner, before, limit)).map(({ replayId }) => replayId);
      expect(await ids(null, null)).toEqual(['r4', 'r3', 'r2', 'r1']);
      expect(await ids('acme', null, 2)).toEqual(['r3', 'r2']);
      expect(await ids('acme', 'r2', 2)).toEqual(['r1']);
      expect(await ids('other', null)).toEqual([]);
      await replays.changeReplay('acme', 'r2', word('pause'));
      await replays.changeReplay('acme', 'r3', word('cancel'));
      expect(await replays.countReplays()).toEqual({ running: 2, paused: 1, delivering: 0 });
    });

    test('an owner has no more than its bound that may still arm something', async () => {
      for (const n of [1, 2]) expect(await create(newReplay(n), 2)).toMatchObject({ kind: 'created' });
      await replays.changeReplay(null, 'r2', word('pause'));
      expect(await create(newReplay(3), 2)).toEqual({ kind: 'too-many' });
      expect(await replays.findReplay(null, 'r3')).toBeNull();
      expect(await create(newReplay(4, { owner: null }), 1)).toMatchObject({ kind: 'created' });
      expect(await create(newReplay(5, { owner: 'other' }), 1)).toMatchObject({ kind: 'created' });
      await change('cancel');
      expect(await create(newReplay(6), 2)).toMatchObject({ kind: 'created' });
    });

    test('however many are made at once, there are no more, and those refused are not there', async () => {
      const created = await Promise.all(Array.from({ length: 8 }, (_, n) => create(newReplay(n), 3)));
      const made = created.flatMap((one) => (one.kind === 'created' ? [one.replay.replayId] : []));
      expect(made.length).toBeLessThanOrEqual(3);
      const listed = await replays.listReplays('acme', null, 10);
      expect(new Set(listed.map(({ replayId }) => replayId))).toEqual(new Set(made));
      for (const _ of made) expect(await tryTake(t0, `token-${_}`)).not.toBeNull();
      expect(await tryTake(t0 + 1)).toBeNull();
    });

    test('the same request makes one, however often and by how many it is sent', async () => {
      const request = { key: 'acme/order', hash: 'h1' };
      expect(await replays.findRequested(request.key)).toBeNull();
      const made = await Promise.all(Array.from({ length: 6 }, (_, n) => create(newReplay(n), 1, request)));
      expect(made.filter(({ kind }) => kind === 'created').length).toBeLessThanOrEqual(1);
      expect(made.map(({ kind }) => kind)).not.toContain('too-many');
      const [replay, ...more] = await replays.listReplays(null, null, 10);
      expect(more).toEqual([]);
      expect(await create(newReplay(9), 1, request)).toEqual({ kind: 'known', replay, hash: 'h1' });
      expect(await create(newReplay(9), 1, { ...request, hash: 'h2' })).toEqual({ kind: 'known', replay, hash: 'h1' });
      expect(await replays.findRequested(request.key)).toEqual({ replay, hash: 'h1' });
      expect(await create(newReplay(10), 2, { ...request, key: 'acme/other' })).toMatchObject({ kind: 'created' });
    });

    test('of many who want the turn one gets it, until its lease ends or it is given back', async () => {
      await create(newReplay(1));
      expect(await tryTake(t0 - 1)).toBeNull();
      const taken = await Promise.all(Array.from({ length: 8 }, (_, n) => tryTake(t0, `token-${n}`)));
      const [held] = taken.filter((each) => each !== null);
      expect(taken.filter((each) => each !== null)).toHaveLength(1);
      expect(held).toMatchObject({ replayId: 'r1', dueAtMs: t0, after: null, batch: null, countedAtMs: null });
      expect(await tryTake(t0 + leaseMs - 1)).toBeNull();
      const later = await take(t0 + leaseMs);
      if (held !== undefined) await replays.giveBack(held, { counted: counted(9, 9), dueAtMs: t0 });
      expect(await find()).toMatchObject({ waiting: 0 });
      await replays.giveBack(later, { counted: counted(2, 1), dueAtMs: t0 + 20_000 });
      expect(await find()).toMatchObject({ waiting: 2, delivered: 1 });
      expect(await tryTake(t0 + 19_999)).toBeNull();
      expect(await take(t0 + 20_000)).toMatchObject({ dueAtMs: t0 + 20_000, countedAtMs: t0 + 7 });
    });

    test('the longest due comes first', async () => {
      await create(newReplay(1, { createdAtMs: t0 + 1 }));
      await create(newReplay(2));
      expect(await take(t0 + 1, 'a')).toMatchObject({ replayId: 'r2' });
      expect(await take(t0 + 1, 'b')).toMatchObject({ replayId: 'r1' });
    });

    test('a batch is noted, counted once, and found by who comes after a worker that has died', async () => {
      await create(newReplay(1));
      const held = await take();
      expect(await replays.beginBatch(held, [idAt(1), idAt(2)], 'place-2')).toBe(true);
      expect(await replays.beginBatch(held, [idAt(3)], 'place-3')).toBe(false);
      const next = await take(t0 + leaseMs);
      expect(next).toMatchObject({ batch: [idAt(1), idAt(2)], after: 'place-2' });
      expect(await replays.endBatch(held, { replayed: 2, skipped: 0 })).toBeNull();
      expect(await replays.endBatch(next, { replayed: 1, skipped: 1 })).toEqual({
        ...(await find()),
        ...{ token: next.token, dueAtMs: t0, after: 'place-2', batch: null, countedAtMs: null },
      });
      expect(await replays.endBatch(next, { replayed: 1, skipped: 1 })).toBeNull();
      // Nothing has failed that was not looked at.
      expect(await find()).toMatchObject({ replayed: 1, waiting: 1, skipped: 1, state: 'running' });
      await replays.giveBack(next, { counted: null, dueAtMs: t0 + 1 });
      expect(await find()).toMatchObject({ replayed: 1, waiting: 1 });
    });

    test('given back behind the back of who has said a word to it, it is due when that says', async () => {
      await create(newReplay(1));
      const held = await take();
      await change('pause', null, t0 + 5);
      await replays.giveBack(held, { counted: counted(2, 1), dueAtMs: t0 + 60_000 });
      const paused = await take(t0 + 5);
      expect(paused).toMatchObject({ state: 'paused', dueAtMs: t0 + 5 });
      await change('cancel', null, t0 + 6);
      await replays.giveBack(paused, { counted: null, dueAtMs: t0 + 60_000 });
      expect(await take(t0 + 6)).toMatchObject({ state: 'cancelled' });
    });

    test('paused or cancelled it begins nothing, and ends what it has begun', async () => {
      await create(newReplay(1));
      const held = await take();
      await replays.beginBatch(held, [idAt(1)], 'place-1');
      expect(await change('pause')).toMatchObject({ kind: 'changed', replay: { state: 'paused' } });
      expect(await replays.endBatch(held, { replayed: 1, skipped: 0 })).toMatchObject({ state: 'paused', replayed: 1 });
      expect(await replays.beginBatch(held, [idAt(2)], 'place-2')).toBe(false);
      expect(await replays.endSelection(held)).toBeNull();
      expect(await change('resume')).toMatchObject({ kind: 'changed', replay: { state: 'running' } });
      expect(await replays.beginBatch(held, [idAt(2)], 'place-2')).toBe(true);
      expect(await change('cancel')).toMatchObject({ kind: 'changed', replay: { state: 'cancelled' } });
      expect(await replays.endBatch(held, { replayed: 1, skipped: 0 })).toMatchObject({ replayed: 2 });
      const { words } = await find();
      expect(words.map(({ action }) => action)).toEqual(['create', 'pause', 'resume', 'cancel']);
      expect(words.at(-1)).toEqual(word('cancel'));
    });

    test('of its words the newest hundred are kept', async () => {
      await create(newReplay(1));
      for (let n = 0; n < 101; n += 1) await change(n % 2 === 0 ? 'pause' : 'resume', null, t0 + n);
      const { words } = await find();
      expect(words).toHaveLength(100);
      expect([words[0]?.atMs, words.at(-1)?.atMs]).toEqual([t0 + 1, t0 + 100]);
    });

    test('a word that its state has nothing for changes nothing; another tenant’s is not there', async () => {
      await create(newReplay(1));
      const refused = { kind: 'refused', replay: { state: 'running' } };
      expect(await change('resume')).toMatchObject(refused);
      expect(await change('pause', 'other')).toBeNull();
      expect(await replays.changeReplay(null, 'r9', word('pause'))).toBeNull();
      await change('cancel', 'acme');
      expect(await change('resume')).toMatchObject({ kind: 'refused', replay: { state: 'cancelled' } });
      expect((await find()).words).toHaveLength(2);
    });

    test('when all are armed, what was meant and was not is skipped; when all have ended, it is done', async () => {
      await create(newReplay(1));
      const first = await take();
      await replays.beginBatch(first, [idAt(1), idAt(2)], 'place-2');
      await replays.endBatch(first, { replayed: 2, skipped: 0 });
      expect(await replays.endSelection(first)).toBeNull();
      await replays.giveBack(first, { counted: counted(2, 0), dueAtMs: t0 + 1 });
      const second = await take(t0 + 1);
      expect(await replays.endSelection(second)).toMatchObject({
        state: 'delivering',
        skipped: 1,
        token: second.token,
      });
      expect(await find()).toMatchObject({ state: 'delivering', replayed: 2, skipped: 1, endedAtMs: null });
      expect(await replays.conclude(second, { state: 'delivering', delivered: 1, nowMs: t0 + 9 })).toBe(true);
      expect(await find()).toMatchObject({ state: 'done', waiting: 0, delivered: 1, endedAtMs: t0 + 9 });
      expect(await tryTake(t0 + 1_000_000)).toBeNull();
    });

    test('it is concluded in the state that was seen alone, and only by who has the turn', async () => {
      await create(newReplay(1));
      await change('cancel', null, t0);
      const held = await take();
      expect(await replays.conclude(held, { state: 'delivering', delivered: 0, nowMs: t0 + 1 })).toBe(false);
      const again = await take(t0 + leaseMs);
      expect(await replays.conclude(held, { state: 'cancelled', delivered: 0, nowMs: t0 + 1 })).toBe(false);
      expect(await find()).toMatchObject({ state: 'cancelled', endedAtMs: null });
      expect(await replays.conclude(again, { state: 'cancelled', delivered: 0, nowMs: t0 + 2 })).toBe(true);
      expect(await find()).toMatchObject({ state: 'cancelled', endedAtMs: t0 + 2 });
    });
  });
}
