import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState, type TaskFilter, type TaskId } from '@juice/contracts';
import fc from 'fast-check';
import type { NewTask, Page, PageQuery, TaskStore } from '../src/index.ts';
import { calledBack, finish, frame, idAt, launch, newTask, run, specOf, startMs, tenant } from './sample-tasks.ts';

type PagedStore = Pick<
  TaskStore,
  'insertTasks' | 'applyTransitions' | 'requestKills' | 'chooseTasks' | 'countTasks' | 'countWaiting'
> & {
  listTasks(
    tenantId: string,
    query: PageQuery,
  ): Promise<Page<object & { readonly _id: TaskId; readonly taskName: string }>>;
};

export interface MadePagedStore {
  /** Looks at seven tasks for a page, where each has to be looked at. */
  readonly windowed: PagedStore;
  close(): Promise<void>;
}

const windowSize = 7;

interface Sample {
  readonly tenantId: string;
  readonly taskName: string;
  readonly status: TaskState;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly isKillRequested: boolean;
}

/** Lists of tasks, page by page. `make` gives an empty store. */
export function taskPagesContract(make: () => Promise<MadePagedStore>): void {
  describe('pages of tasks', () => {
    let made: MadePagedStore;
    let tasks: PagedStore;
    beforeEach(async () => {
      made = await make();
      tasks = made.windowed;
    });
    afterEach(() => made.close());

    let frames = 0;
    const store = async (samples: ReadonlyMap<TaskId, Sample>) => {
      const those = (which: (sample: Sample) => boolean) =>
        [...samples].filter(([, one]) => which(one)).map(([id]) => id);
      const ran = those(({ status }) => status === TaskState.RUNNING || status === TaskState.FINISHED);
      const stamp = (): string => `frame-${frames++}`;
      await tasks.insertTasks([...samples].map(([taskId, one]) => asNewTask(taskId, one)));
      await tasks.applyTransitions(
        frame(1, stamp()),
        ran.flatMap((id) => [launch(id, 0), run(id, 1)]),
      );
      for (const tenantId of [tenant, 'other']) {
        const killed = those(
          (one) =>
            one.tenantId === tenantId &&
            (one.status === TaskState.KILLED || (one.isKillRequested && one.status !== TaskState.NOT_START)),
        );
        await tasks.requestKills(tenantId, killed, startMs);
      }
      const finished = those(({ status }) => status === TaskState.FINISHED);
      await tasks.applyTransitions(
        frame(1, stamp()),
        finished.map((id) => finish(id, 2)),
      );
    };

    const insert = (...places: number[]) => tasks.insertTasks(places.map((place) => newTask(idAt(place))));
    const list = (filter: TaskFilter = {}, before: TaskId | null = null, limit = 3) =>
      tasks.listTasks(tenant, { filter, before, limit });
    const ids = (page: Page<{ readonly _id: TaskId }>) => page.tasks.map(({ _id }) => _id);

    test('the newest are first, and the next page goes on below the last', async () => {
      await insert(3, 1, 5, 2, 4);
      await tasks.insertTasks([newTask(idAt(6), { tenantId: 'other' })]);
      const first = await list();
      expect(ids(first)).toEqual([5, 4, 3].map(idAt));
      expect(first.next).toBe(idAt(3));
      const second = await list({}, first.next);
      expect(ids(second)).toEqual([2, 1].map(idAt));
      expect(second.next).toBeNull();
      expect(await list({}, null, 5)).toMatchObject({ next: null });
      expect(await list({}, idAt(1))).toEqual({ tasks: [], next: null });
    });

    test('a page of large tasks is shorter than was asked for, and the next goes on below it', async () => {
      const places = Array.from({ length: 100 }, (_, place) => place + 1);
      const commands = 'x'.repeat(60_000);
      await tasks.insertTasks(
        places.map((place) => newTask(idAt(place), { spec: { ...newTask(idAt(place)).spec, commands } })),
      );
      const read: TaskId[] = [];
      let pages = 0;
      for (let before: TaskId | null | undefined; before !== null; pages += 1) {
        const page = await list({}, before ?? null, 1_000);
        expect(page.tasks.length).toBeLessThanOrEqual(20);
        read.push(...ids(page));
        before = page.next;
      }
      expect(read).toEqual(places.map(idAt).reverse());
      expect(pages).toBeLessThanOrEqual(7);
    });

    test('a range of ids, of either end alone or both', async () => {
      await insert(1, 2, 3, 4, 5);
      expect(ids(await list({ fromId: idAt(4) }))).toEqual([5, 4].map(idAt));
      expect(ids(await list({ belowId: idAt(3) }))).toEqual([2, 1].map(idAt));
      expect(ids(await list({ fromId: idAt(2), belowId: idAt(4) }))).toEqual([3, 2].map(idAt));
      expect(ids(await list({ fromId: idAt(2), belowId: idAt(4) }, idAt(3)))).toEqual([idAt(2)]);
      expect(ids(await list({ fromId: idAt(4), belowId: idAt(3) }))).toEqual([]);
    });

    test('a task comes with its last attempt, and without what is long and not shown', async () => {
      await tasks.insertTasks([calledBack(idAt(1))]);
      await tasks.applyTransitions(frame(), [launch(idAt(1), 0, { callback: true }), run(idAt(1), 1)]);
      const [found] = (await list()).tasks;
      expect(found).toMatchObject({
        _id: idAt(1),
        taskName: 'render-frame',
        status: TaskState.RUNNING,
        seq: 2,
        submitAt: new Date(startMs),
        attempts: [{ n: 1, agentHost: 'host-1' }],
        spec: { commands: 'echo done', retry: 2 },
        callback: { state: 'idle' },
      });
      for (const member of ['history', 'outbox', 'spec.env', 'spec.constraints', 'callback.pending'])
        expect(found).not.toHaveProperty(member);
      const chosen = await tasks.chooseTasks(tenant, { filter: {}, before: null, limit: 1 });
      expect(chosen.tasks).toEqual([{ _id: idAt(1), taskName: 'render-frame', status: TaskState.RUNNING }]);
    });

    test('those that wait are counted, of one tenant, up to as many as are asked for', async () => {
      await insert(1, 2, 3, 4);
      await tasks.insertTasks([newTask(idAt(5), { tenantId: 'other' })]);
      await tasks.applyTransitions(frame(), [launch(idAt(1), 0)]);
      await tasks.requestKills(tenant, [idAt(2)], startMs);
      const waiting = (await list({ states: [TaskState.NOT_START] })).tasks.length;
      expect(await tasks.countWaiting(tenant, 100)).toBe(waiting);
      expect(await tasks.countWaiting(tenant, 1)).toBe(1);
      expect(await tasks.countWaiting('nobody', 100)).toBe(0);
    });

    test('a filter that matches none looks at a window of tasks, and says where to go on', async () => {
      const places = Array.from({ length: 2 * windowSize + 1 }, (_, place) => place + 1);
      await insert(...places);
      const none = { namePrefix: 'nothing' };
      const first = await list(none);
      expect(first).toEqual({ tasks: [], next: idAt(windowSize + 2) });
      const second = await list(none, first.next);
      expect(second).toEqual({ tasks: [], next: idAt(2) });
      expect(await list(none, second.next)).toEqual({ tasks: [], next: null });
      // By states alone nothing has to be looked at in vain.
      expect(await list({ states: [TaskState.FAILED] })).toEqual({ tasks: [], next: null });
      expect(await tasks.countTasks(tenant, { filter: {}, before: null })).toEqual({
        count: windowSize,
        next: idAt(windowSize + 2),
      });
    });

    test('a window that ends with the last task is the last', async () => {
      await insert(...Array.from({ length: windowSize }, (_, place) => place + 1));
      expect(await list({ namePrefix: 'nothing' })).toEqual({ tasks: [], next: null });
    });

    test('a prefix is no pattern, and is compared character by character', async () => {
      const names = ['a.b', 'a.c', 'axb', 'a', 'A.b', 'a.*', '^a', 'é', 'éé', 'e', '😀x', '\u{10ffff}z', '\ud7ffx'];
      await tasks.insertTasks(names.map((taskName, at) => newTask(idAt(at), { spec: specOf({ taskName }) })));
      const named = async (namePrefix: string) => {
        const found: string[] = [];
        let before: TaskId | null = null;
        do {
          const page = await list({ namePrefix }, before, 100);
          found.push(...page.tasks.map(({ taskName }) => taskName));
          before = page.next;
        } while (before !== null);
        return found.toSorted();
      };
      for (const prefix of ['a', 'a.', 'a.*', '.', '^a', 'A', 'é', 'éé', '😀', '\u{10ffff}', '\ud7ff', 'z'])
        expect(await named(prefix)).toEqual(names.filter((name) => name.startsWith(prefix)).toSorted());
    });

    test('labels are found by key and value, whatever is in them', async () => {
      const odd = { key: '$where.a.b', value: 'x:y' };
      const labels = [[{ key: 'team', value: 'a' }, odd], [{ key: 'team', value: 'b' }], [], undefined];
      const specs = labels.map((each) => (each === undefined ? specOf() : { ...specOf(), labels: each }));
      await tasks.insertTasks(specs.map((spec, at) => newTask(idAt(at), { spec })));
      const having = async (...conditions: { key: string; value: string | null }[]) =>
        ids(await list({ labels: conditions }));
      expect(await having({ key: 'team', value: 'a' })).toEqual([idAt(0)]);
      expect(await having({ key: 'team', value: null })).toEqual([idAt(1), idAt(0)]);
      expect(await having({ key: odd.key, value: odd.value })).toEqual([idAt(0)]);
      expect(await having({ key: odd.key, value: null }, { key: 'team', value: 'a' })).toEqual([idAt(0)]);
      expect(await having({ key: 'team', value: 'a' }, { key: 'team', value: 'b' })).toEqual([]);
      expect(await having({ key: 'a', value: 'team' })).toEqual([]);
    });

    test('every task that matches is met exactly once, whatever the filter, while others are stored', async () => {
      let base = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.nat(60), { minLength: 5, maxLength: 30, size: 'max' }),
          fc.array(sample, { minLength: 30, maxLength: 30 }),
          filterOf,
          fc.integer({ min: 1, max: 12 }),
          async (places, samples, made, limit) => {
            const from = base;
            base += 1000;
            const present = new Map(places.map((place, at) => [idAt(from + place), samples[at] as Sample]));
            await store(present);
            const filter = made((place) => idAt(from + place));
            const met: TaskId[] = [];
            let counted = 0;
            for (let before: TaskId | null = null, newer = 500, rounds = 0; ; rounds += 1) {
              const asked = { filter: { ...filter, fromId: filter.fromId ?? idAt(from) }, before };
              const page = await tasks.listTasks(tenant, { ...asked, limit });
              met.push(...ids(page));
              expect(page.tasks.length).toBeLessThanOrEqual(limit);
              expect(rounds).toBeLessThan(100);
              await insert(from + newer++);
              if (page.next === null) break;
              before = page.next;
            }
            for (let before: TaskId | null = idAt(from + 100); before !== null;) {
              const asked = { filter: { ...filter, fromId: filter.fromId ?? idAt(from) }, before };
              const { count, next } = await tasks.countTasks(tenant, asked);
              counted += count;
              before = next;
            }
            const matching = [...present].filter(([id, one]) => matches(filter, id, one)).map(([id]) => id);
            const expected = matching.toSorted((a, b) => (a < b ? 1 : -1));
            // What was stored after the first page may or may not be met: all of it is newer.
            expect(met.filter((id) => id < idAt(from + 100))).toEqual(expected);
            expect(counted).toBe(expected.length);
          },
        ),
        { numRuns: 40 },
      );
    });

    test('tasks to kill: those alone whose kill was not asked for', async () => {
      const live = { tenantId: tenant, taskName: 'a', labels: [] };
      await store(
        new Map<TaskId, Sample>([
          [idAt(1), { ...live, status: TaskState.RUNNING, isKillRequested: true }],
          [idAt(2), { ...live, status: TaskState.RUNNING, isKillRequested: false }],
          [idAt(3), { ...live, status: TaskState.NOT_START, isKillRequested: false }],
          [idAt(4), { ...live, status: TaskState.KILLED, isKillRequested: false }],
        ]),
      );
      const filter = { states: [TaskState.NOT_START, TaskState.RUNNING] };
      const asked = { filter, unkilled: true, before: null };
      expect(ids(await tasks.chooseTasks(tenant, { ...asked, limit: 9 }))).toEqual([3, 2].map(idAt));
      expect(await tasks.countTasks(tenant, asked)).toEqual({ count: 2, next: null });
    });
  });
}

const states = [TaskState.NOT_START, TaskState.RUNNING, TaskState.FINISHED, TaskState.KILLED] as const;
const label = fc.record({ key: fc.constantFrom('a', 'b'), value: fc.constantFrom('1', '2') });
const sample: fc.Arbitrary<Sample> = fc.record({
  tenantId: fc.constantFrom(tenant, tenant, tenant, 'other'),
  taskName: fc.constantFrom('a', 'ab', 'abc', 'b'),
  status: fc.constantFrom(...states),
  labels: fc.uniqueArray(label, { selector: ({ key }) => key, maxLength: 2 }),
  isKillRequested: fc.boolean(),
});

type At = (place: number) => TaskId;
const condition = fc.record({ key: fc.constantFrom('a', 'b'), value: fc.constantFrom('1', '2', null) });
const filterOf: fc.Arbitrary<(at: At) => TaskFilter> = fc
  .record(
    {
      states: fc.uniqueArray(fc.constantFrom(...states), { minLength: 2 }),
      namePrefix: fc.constantFrom('a', 'ab', 'b', 'c'),
      labels: fc.array(condition, { minLength: 1, maxLength: 1 }),
      // Wide, so that most filters let some tasks through.
      from: fc.nat(15),
      below: fc.integer({ min: 40, max: 60 }),
    },
    { requiredKeys: [] },
  )
  .map(({ from, below, ...rest }) => (at: At) => ({
    ...rest,
    ...(from !== undefined && { fromId: at(from) }),
    ...(below !== undefined && { belowId: at(below) }),
  }));

function matches(filter: TaskFilter, id: TaskId, one: Sample): boolean {
  const { states: asked, namePrefix = '', labels = [], fromId = 0n, belowId } = filter;
  return (
    one.tenantId === tenant &&
    (asked === undefined || asked.includes(one.status)) &&
    one.taskName.startsWith(namePrefix) &&
    labels.every(({ key, value }) => one.labels.some((has) => has.key === key && (value ?? has.value) === has.value)) &&
    id >= fromId &&
    (belowId === undefined || id < belowId)
  );
}

function asNewTask(taskId: TaskId, { tenantId, taskName, labels }: Sample): NewTask {
  const spec = { ...specOf({ taskName }), labels };
  return newTask(taskId, { tenantId, spec });
}
