import { describe, expect, test } from '@jest/globals';
import {
  DependencyFailure,
  noUsage,
  TaskState,
  type EventCursor,
  type LoggedEvent,
  type TaskId,
  type UsageAmounts,
} from '@juice/contracts';
import { createMemoryUsage } from '../testing/memory-usage.ts';
import { until } from '../testing/until.ts';
import { startCountingUsage, usesOf, type UsedTask } from './count-usage.ts';

const resources = { cpus: 0.5, memMb: 256, gpus: 1 };
const atMs = Date.UTC(2026, 0, 31, 10);
const taskId = 7n as TaskId;
const ended = (startedAt: Date | undefined, n = 1, endedAt = new Date(atMs)): UsedTask => ({
  taskId,
  resources,
  attempts: [{ n, endedAt, ...(startedAt !== undefined && { startedAt }) }],
});
const event = (facts: Partial<LoggedEvent> = {}): LoggedEvent => ({
  ...{ cursor: 5n as EventCursor, taskId, tenantId: 'acme', seq: 3, status: TaskState.FINISHED, attempt: 1 },
  ...{ message: '', reason: null, atMs, ...facts },
});
const on = (day: string, amounts: Partial<UsageAmounts>) => ({
  ...{ tenantId: 'acme', place: 5n, day },
  amounts: { ...noUsage, ...amounts },
});

describe('what an event says was used', () => {
  test('the end of a task that ran: the task, and what it was given for as long as it ran', () => {
    expect(usesOf(event(), ended(new Date(atMs - 10_000)))).toEqual([
      on('2026-01-31', {
        ...{ tasks: 1, finished: 1, attempts: 1 },
        ...{ cpuSeconds: 5, memMbSeconds: 2560, gpuSeconds: 10 },
      }),
    ]);
  });

  test('an attempt that ran over midnight is used on each of its days, for the part of that day', () => {
    const hours = 3600;
    const uses = usesOf(event(), ended(new Date(Date.UTC(2026, 0, 29, 23))));
    expect(uses.map(({ day, amounts: { attempts, gpuSeconds } }) => [day, attempts, gpuSeconds])).toEqual([
      ['2026-01-31', 1, 10 * hours],
      ['2026-01-29', 0, hours],
      ['2026-01-30', 0, 24 * hours],
    ]);
  });

  test.each([
    [TaskState.FAILED, { tasks: 1, failed: 1 }],
    [TaskState.LOST, { tasks: 1, failed: 1 }],
    [TaskState.KILLED, { tasks: 1, killed: 1 }],
    [TaskState.EXPIRED, { tasks: 1, expired: 1 }],
  ])('an end in state %i is counted as what it is', (status, amounts) => {
    expect(usesOf(event({ status }), ended(undefined))).toEqual([on('2026-01-31', amounts)]);
  });

  test('an attempt after which the task waits again was used, and no task has ended', () => {
    const uses = usesOf(event({ status: TaskState.NOT_START, attempt: 2 }), ended(new Date(atMs - 2_000), 2));
    expect(uses).toEqual([on('2026-01-31', { attempts: 1, cpuSeconds: 1, memMbSeconds: 512, gpuSeconds: 2 })]);
  });

  test('an attempt that an earlier event has ended is not used again', () => {
    const before = ended(new Date(atMs - 60_000), 1, new Date(atMs - 30_000));
    expect(usesOf(event({ status: TaskState.EXPIRED }), before)).toEqual([on('2026-01-31', { tasks: 1, expired: 1 })]);
  });

  test('of a task that is not kept any more only the end is known', () => {
    expect(usesOf(event())).toEqual([on('2026-01-31', { tasks: 1, finished: 1 })]);
  });
});

/** A log with so many ends of tasks, one second of one CPU each, and somebody who counts. */
function createWorld(count: number, missing: readonly bigint[] = []) {
  const usage = createMemoryUsage();
  const events = Array.from({ length: count }, (_, n) =>
    event({ cursor: BigInt(n + 1) as EventCursor, taskId: BigInt(n + 1) as TaskId }),
  );
  const warnings: unknown[] = [];
  let wake = (): void => undefined;
  let waits = 0;
  let failAt: EventCursor | null = null;
  const counting = startCountingUsage({
    log: {
      async readOn(after, limit) {
        const page = events.filter(({ cursor }) => cursor > after).slice(0, limit);
        return { events: page, upTo: page.at(-1)?.cursor ?? after, hasMore: page.length === limit };
      },
    },
    usage: {
      ...usage,
      async markUsageCounted(upTo) {
        if (upTo === failAt) throw failure();
        await usage.markUsageCounted(upTo);
      },
      findUsedTasks: async (taskIds) =>
        taskIds
          .filter((id) => !missing.includes(id))
          .map((id) => ({ ...ended(new Date(atMs - 1_000)), taskId: id, resources: { ...resources, cpus: 1 } })),
    },
    logger: { warn: (name, fields) => void warnings.push({ name, ...fields }) },
    wait: (_ms, signal) =>
      new Promise((resolve) => {
        waits += 1;
        wake = resolve;
        signal.addEventListener('abort', () => resolve());
      }),
    random: () => 0.5,
  });
  return {
    usage,
    warnings,
    counting,
    failAt: (place: bigint | null) => void (failAt = place as EventCursor | null),
    async round() {
      const before = waits;
      wake();
      await until('it waits again', () => waits > before);
    },
    counted: async () => (await usage.findUsage({ from: '2026-01-01', to: '2026-01-31' }, 10))[0],
  };
}

function failure(): DependencyFailure {
  return new DependencyFailure({ dependency: 'mongodb', operation: 'x', retryable: true, detail: 'is down' });
}

describe('counting', () => {
  test('goes on to the end of the log, page after page, and then has nothing to do', async () => {
    const { usage, counting, round, counted, warnings } = createWorld(2_500);
    await round();
    expect(await counted()).toMatchObject({ tasks: 2_500, attempts: 2_500, cpuSeconds: 2_500 });
    expect(await usage.usageCountedUpTo()).toBe(2_500n);
    await round();
    expect(await counted()).toMatchObject({ tasks: 2_500 });
    expect(warnings).toEqual([]);
    await counting.stop();
  });

  test('who dies after it has counted, before it said so, has what it counted not counted again', async () => {
    const { counting, round, counted, failAt } = createWorld(1_500);
    failAt(1_500n);
    await round();
    expect(await counted()).toMatchObject({ tasks: 1_500, cpuSeconds: 1_500 });
    failAt(null);
    await round();
    expect(await counted()).toMatchObject({ tasks: 1_500, cpuSeconds: 1_500 });
    await counting.stop();
  });

  test('tasks that are gone are told of, and their ends counted', async () => {
    const { counting, round, counted, warnings } = createWorld(3, [2n]);
    await round();
    expect(await counted()).toMatchObject({ tasks: 3, attempts: 2, cpuSeconds: 2 });
    expect(warnings).toEqual([{ name: 'usage.missed', tasks: 1, firstTaskId: '2' }]);
    await counting.stop();
  });
});
