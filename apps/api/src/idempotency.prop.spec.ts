import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DependencyFailure, type TaskId } from '@juice/contracts';
import { bounds, defaults } from '../testing/api-fixture.ts';
import { createMemoryTasks, type MemoryTasks } from '../testing/memory-tasks.ts';
import { openPolicy } from './machine-policy.ts';
import { keyedRequest, keyKeptMs } from './request-key.ts';
import { createStoreTasks, type SubmitStore } from './store-tasks.ts';
import { createSubmitBatch } from './submit-batch.ts';
import { createSubmitTask } from './submit-task.ts';
import { createTaskIdSource } from './task-ids.ts';
import type { TenantRules } from './tenant-rules.ts';

// Any history of requests with few keys, from several processes over one store that fails before and after its writes, with
// time passing and keys being swept. Each request is for one task or for a batch, told apart by its commands.

type Fault = 'none' | 'before' | 'after';

interface Step {
  /** Requests at once. */
  readonly requests: readonly {
    readonly process: number;
    readonly key: string;
    readonly variant: number;
    readonly size: number;
  }[];
  /** What befalls each write of this step, in turn. */
  readonly faults: readonly Fault[];
  readonly passMs: number;
  readonly isSwept: boolean;
}

/** Each look-up takes a millisecond here: a request may be drafted this long before it finds a key past its time. */
const momentMs = 100;

const step: fc.Arbitrary<Step> = fc.record({
  requests: fc.array(
    fc.record({
      process: fc.nat(2),
      key: fc.constantFrom('a', 'b'),
      variant: fc.nat(1),
      size: fc.constantFrom(1, 1, 3),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  faults: fc.array(fc.constantFrom<Fault[]>('none', 'none', 'before', 'after'), { maxLength: 6 }),
  passMs: fc.constantFrom(
    0,
    1,
    3_600_000,
    keyKeptMs - 3,
    keyKeptMs - 2,
    keyKeptMs - 1,
    keyKeptMs,
    keyKeptMs + 3_600_001,
  ),
  isSwept: fc.boolean(),
});

function createWorld() {
  const tasks = createMemoryTasks();
  let nowMs = Date.UTC(2026, 0);
  let faults: Fault[] = [];
  const now = (): number => nowMs;
  const failure = () =>
    new DependencyFailure({ dependency: 'mongodb', operation: 'insert', retryable: true, detail: 'broken' });
  const flaky: SubmitStore = {
    ...tasks,
    findRequests(keys) {
      nowMs += 1;
      return tasks.findRequests(keys);
    },
    async insertTasks(added) {
      const fault = faults.shift() ?? 'none';
      if (fault === 'before') throw failure();
      const outcomes = await tasks.insertTasks(added);
      if (fault === 'after') throw failure();
      return outcomes;
    },
  };
  const processes = Array.from({ length: 3 }, (_, worker) => {
    const nextId = createTaskIdSource({ now });
    const storeTasks = createStoreTasks({
      tasks: flaky,
      hints: { tasksSubmitted: () => undefined },
      newTaskId: () => nextId(worker),
      now,
      maxWaiting: 100,
      stored: () => undefined,
      grouped: () => undefined,
      random: () => 0,
    });
    const open = { pace: null, mostWaiting: null };
    const rules: TenantRules = { isSuspended: false, policy: openPolicy, callbackEvents: 'all', ...open };
    const rulesOf = () => Promise.resolve(rules);
    const admitTasks = (): Promise<null> => Promise.resolve(null);
    const submitTask = createSubmitTask({
      storeTasks,
      admitTasks,
      now,
      rulesOf,
      bounds,
      defaults,
      roles: null,
      callbackAllow: { allowsAddress: () => false, allowsHost: () => false },
      taskExpiryMs: 1000,
    });
    return { submitTask, submitBatch: createSubmitBatch({ submitTask, storeTasks, admitTasks, now }) };
  });
  return {
    tasks,
    now,
    processes,
    begin: (of: Step) => void (faults = [...of.faults]),
    async end({ passMs, isSwept }: Step) {
      faults = [];
      nowMs += passMs;
      if (isSwept) await tasks.releaseKeys(nowMs - keyKeptMs - 3_600_000, 1000);
    },
  };
}

type World = ReturnType<typeof createWorld>;
type Asked = Step['requests'][number];

const commandsOf = ({ key, variant, size }: Asked, index: number): string => `${key} ${variant} ${size} ${index}`;

/** The ids of the tasks of a request, by its answer; null when it was refused or failed. */
async function send(world: World, asked: Asked): Promise<readonly TaskId[] | 'conflict' | null> {
  const process = world.processes[asked.process];
  if (process === undefined) throw new RangeError('no such process');
  const bodies = Array.from({ length: asked.size }, (_, n) => ({ taskName: 'a', commands: commandsOf(asked, n) }));
  const body = asked.size === 1 ? bodies[0] : { tasks: bodies };
  const request = keyedRequest(asked.key, { tenantId: 't', route: asked.size === 1 ? 'one' : 'batch', body });
  const submission = { tenantId: 't', body, traceparent: null, request };
  try {
    if (asked.size === 1) {
      const outcome = await process.submitTask(submission);
      if (!outcome.ok) return outcome.reason === 'conflict' ? 'conflict' : null;
      return [outcome.taskId];
    }
    const outcome = await process.submitBatch(submission);
    if (!outcome.ok) return outcome.reason === 'conflict' ? 'conflict' : null;
    const ids = outcome.answer.results.flatMap((result) => ('taskId' in result ? [result.taskId as TaskId] : []));
    return ids.length === asked.size ? ids : null;
  } catch (error: unknown) {
    if (error instanceof DependencyFailure) return null;
    throw error;
  }
}

/** When tasks were stored, by the key of their request and by what of it they are. */
function storedBy({ stored }: MemoryTasks) {
  const firsts = new Map<string, number[]>();
  const places = new Map<string, number>();
  for (const { spec, submitAtMs } of stored.values()) {
    const [key = '', variant, size, index] = spec.commands?.split(' ') ?? [];
    if (index === '0') firsts.set(key, [...(firsts.get(key) ?? []), submitAtMs]);
    const place = [key, variant, size, index].join(' ');
    places.set(place, (places.get(place) ?? 0) + 1);
  }
  return { firsts, places };
}

test('within a day each key is used once, each task of its request stored once, and every answer the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const world = createWorld();
      const answers: { readonly asked: Asked; readonly atMs: number; readonly ids: readonly TaskId[] }[] = [];
      for (const one of steps) {
        world.begin(one);
        const atMs = world.now();
        const outcomes = await Promise.all(one.requests.map((asked) => send(world, asked)));
        outcomes.forEach((ids, n) => {
          const asked = one.requests[n];
          if (Array.isArray(ids) && asked !== undefined) answers.push({ asked, atMs, ids });
        });
        // A retry without faults has an answer, or knows that the key is another request's.
        const [retried] = one.requests;
        world.begin({ ...one, faults: [] });
        if (retried !== undefined) expect(await send(world, retried)).not.toBeNull();
        await world.end(one);
      }
      const { firsts, places } = storedBy(world.tasks);
      // The first task of a request is the one that has the key: no two within a day, whatever the requests were.
      for (const times of firsts.values())
        for (const [n, atMs] of times.entries())
          expect(atMs - (n === 0 ? -Infinity : (times[n - 1] ?? 0))).toBeGreaterThan(keyKeptMs - momentMs);
      // The others are never more than the first ones that they go with, however late a batch is completed.
      for (const [place, count] of places)
        expect(count).toBeLessThanOrEqual(places.get(place.replace(/\d+$/, '0')) ?? 0);
      // Of a key one request is answered at a time, and always with the same tasks.
      const storedAtMs = ({ ids }: { ids: readonly TaskId[] }) =>
        world.tasks.stored.get(ids[0] as TaskId)?.submitAtMs ?? 0;
      for (const answer of answers) {
        const { asked, ids } = answer;
        const others = answers.filter(
          (other) =>
            other.asked.key === asked.key &&
            other.atMs >= storedAtMs(answer) &&
            other.atMs < storedAtMs(answer) + keyKeptMs - momentMs &&
            // While a key's time runs out it is answered with the old task here, and with a new one there.
            other.atMs < storedAtMs(other) + keyKeptMs - momentMs,
        );
        for (const other of others) expect(other.ids).toEqual(ids);
        expect(ids.map((id) => world.tasks.stored.get(id)?.spec.commands)).toEqual(
          ids.map((_, n) => commandsOf(asked, n)),
        );
      }
    }),
    { numRuns: 150 },
  );
});
