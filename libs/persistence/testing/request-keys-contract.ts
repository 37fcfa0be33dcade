import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import type { RequestKey, TaskStore } from '../src/index.ts';
import { idAt, newTask, startMs, tenant } from './sample-tasks.ts';

type KeyedStore = Pick<TaskStore, 'insertTasks' | 'findRequests' | 'releaseKey' | 'releaseKeys'> & {
  findTasks(tenantId: string, ids: readonly TaskId[]): Promise<readonly { readonly _id: TaskId }[]>;
};

export interface MadeKeyedStore {
  readonly tasks: KeyedStore;
  close(): Promise<void>;
}

/** Idempotency keys: of all tasks submitted with one, one is stored. `make` gives an empty store. */
export function requestKeysContract(make: () => Promise<MadeKeyedStore>): void {
  describe('the keys of requests', () => {
    let made: MadeKeyedStore;
    let tasks: KeyedStore;
    beforeEach(async () => {
      made = await make();
      tasks = made.tasks;
    });
    afterEach(() => made.close());

    const keyed = (place: number, key: string, changes: Partial<RequestKey> = {}) =>
      newTask(idAt(place), { requestKey: { key, hash: 'h1', atMs: startMs, ...changes } });

    test('the first task of a key is stored, within a batch and between batches', async () => {
      const first = [keyed(1, 'acme/a'), keyed(2, 'acme/a'), newTask(idAt(3)), keyed(4, 'acme/b'), newTask(idAt(5))];
      expect(await tasks.insertTasks(first)).toEqual(['stored', 'duplicate', 'stored', 'stored', 'stored']);
      expect(await tasks.insertTasks([keyed(6, 'acme/a', { hash: 'h2' }), keyed(7, 'other/a')])).toEqual([
        'duplicate',
        'stored',
      ]);
      const found = await tasks.findTasks(tenant, [1, 2, 3, 4, 5, 6, 7].map(idAt));
      expect(found.map(({ _id }) => _id).toSorted()).toEqual([1, 3, 4, 5, 7].map(idAt));
    });

    test('at once, by many', async () => {
      const inserts = Array.from({ length: 40 }, (_, n) =>
        tasks.insertTasks([keyed(2 * n, 'acme/a'), keyed(2 * n + 1, 'acme/a')]),
      );
      const outcomes = (await Promise.all(inserts)).flat();
      expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
      const [known] = await tasks.findRequests(['acme/a']);
      expect(outcomes[Number((known?.taskId ?? 0n) - idAt(0))]).toBe('stored');
    });

    test('what is known of a key is what was stored with it', async () => {
      const refused = [{ index: 2, error: { status: -7, message: 'no', details: [] } }];
      await tasks.insertTasks([keyed(1, 'acme/a', { refused }), keyed(2, 'acme/b', { hash: 'h2' })]);
      const found = await tasks.findRequests(['acme/b', 'acme/a', 'acme/c']);
      expect(found.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
        { key: 'acme/a', hash: 'h1', atMs: startMs, taskId: idAt(1), refused },
        { key: 'acme/b', hash: 'h2', atMs: startMs, taskId: idAt(2), refused: [] },
      ]);
      expect(await tasks.findRequests([])).toEqual([]);
      const [shown] = await tasks.findTasks(tenant, [idAt(1)]);
      expect(shown).not.toHaveProperty('idemRefused');
    });

    test('a key that was released is free, and the task stays', async () => {
      await tasks.insertTasks([keyed(1, 'acme/a')]);
      const [known] = await tasks.findRequests(['acme/a']);
      if (known === undefined) throw new Error('the key is not known');
      await tasks.releaseKey(known);
      expect(await tasks.findRequests(['acme/a'])).toEqual([]);
      expect(await tasks.insertTasks([keyed(2, 'acme/a')])).toEqual(['stored']);
      // Somebody who saw the old one still releases nothing of the new one's.
      await tasks.releaseKey(known);
      expect(await tasks.findRequests(['acme/a'])).toMatchObject([{ taskId: idAt(2) }]);
      expect(await tasks.findTasks(tenant, [idAt(1)])).toHaveLength(1);
    });

    test('old keys are released, the oldest first, and no others', async () => {
      const at = (place: number, atMs: number) => keyed(place, `acme/${place}`, { atMs });
      await tasks.insertTasks([at(3, startMs + 2), at(1, startMs), at(2, startMs + 1), newTask(idAt(4))]);
      const left = async () => (await tasks.findRequests([1, 2, 3].map((n) => `acme/${n}`))).map(({ key }) => key);
      expect(await tasks.releaseKeys(startMs, 10)).toBe(0);
      expect(await tasks.releaseKeys(startMs + 2, 1)).toBe(1);
      expect((await left()).toSorted()).toEqual(['acme/2', 'acme/3']);
      expect(await tasks.releaseKeys(startMs + 2, 10)).toBe(1);
      expect(await left()).toEqual(['acme/3']);
      expect(await tasks.releaseKeys(startMs + 2, 10)).toBe(0);
      expect(await tasks.findTasks(tenant, [1, 2, 3, 4].map(idAt))).toHaveLength(4);
    });
  });
}
