import {
  addUsage,
  isEndState,
  noUsage,
  TaskState,
  type EventCursor,
  type EventName,
  type LoggedEvent,
  type TaskId,
  type UsageAmounts,
} from '@juice/contracts';
import { startNowAndThen, type NowAndThen } from '@juice/runtime';
import type { TailLog } from './event-tail.ts';

export interface Use {
  readonly tenantId: string;
  /** Of UTC, as `2026-01-31`. */
  readonly day: string;
  readonly place: EventCursor;
  readonly amounts: UsageAmounts;
}

export interface UsedTask {
  readonly taskId: TaskId;
  readonly resources: { readonly cpus: number; readonly memMb: number; readonly gpus: number };
  readonly attempts: readonly { readonly n: number; readonly startedAt?: Date; readonly endedAt?: Date }[];
}

/** The part of the usage store that counting needs. */
export interface UsageCounts {
  usageCountedUpTo(): Promise<EventCursor>;
  /** Counts each use once, however often it is handed over; of a tenant's day in the order of places. */
  countUses(uses: readonly Use[]): Promise<void>;
  markUsageCounted(upTo: EventCursor): Promise<void>;
  findUsedTasks(taskIds: readonly TaskId[]): Promise<readonly UsedTask[]>;
}

/** Nobody waits for it: what a day has used is known half a minute after it was used. */
const everyMs = 30_000;
const pageSize = 1_000;
const dayMs = 86_400_000;

/**
 * Counts what tenants use, from the event log: every event that ends a task or an attempt, in the order of places. Who has
 * not come to the end of a page when it dies leaves the page to others, and what was counted of it is not counted again.
 */
export function startCountingUsage(
  deps: {
    log: Pick<TailLog, 'readOn'>;
    usage: UsageCounts;
    logger: { warn(event: EventName, fields: Readonly<Record<string, unknown>>): void };
  } & Pick<NowAndThen, 'wait' | 'random'>,
): { stop(): Promise<void> } {
  const { log, usage, logger, wait, random } = deps;

  async function act(signal: AbortSignal): Promise<void> {
    let after = await usage.usageCountedUpTo();
    for (let hasMore = true; hasMore && !signal.aborted;) {
      const page = await log.readOn(after, pageSize);
      if (page.upTo === after) return;
      const ending = page.events.filter(isEnding);
      const found = await usage.findUsedTasks([...new Set(ending.map(({ taskId }) => taskId))]);
      const tasks = new Map(found.map((task) => [task.taskId, task]));
      await usage.countUses(ending.flatMap((event) => usesOf(event, tasks.get(event.taskId))));
      const missed = ending.filter(({ taskId }) => !tasks.has(taskId));
      if (missed.length > 0)
        logger.warn('usage.missed', { tasks: missed.length, firstTaskId: String(missed[0]?.taskId) });
      await usage.markUsageCounted(page.upTo);
      ({ upTo: after, hasMore } = page);
    }
  }

  return startNowAndThen({ everyMs, act, wait, random });
}

/** It ends a task, or an attempt whose task waits again. */
function isEnding({ status, attempt }: LoggedEvent): boolean {
  return isEndState(status) || (status === TaskState.NOT_START && attempt > 0);
}

/**
 * What was used by the time of an event: the end of its task on that day, and on each day that the attempt it ends ran on, the
 * part of that day. An attempt is used from when it began to run: what never ran was not used.
 */
export function usesOf(
  { tenantId, cursor: place, status, attempt, atMs }: LoggedEvent,
  task?: UsedTask,
): readonly Use[] {
  const byDay = new Map<string, UsageAmounts>();
  const add = (day: string, amounts: Partial<UsageAmounts>): void => {
    byDay.set(day, addUsage(byDay.get(day) ?? noUsage, { ...noUsage, ...amounts }));
  };
  if (isEndState(status)) add(dayOf(atMs), endOf(status));
  const ended = task?.attempts.find(({ n, endedAt }) => n === attempt && endedAt?.getTime() === atMs);
  if (task !== undefined && ended?.startedAt !== undefined) {
    add(dayOf(atMs), { attempts: 1 });
    const { cpus, memMb, gpus } = task.resources;
    for (const { day, seconds } of partsByDay(ended.startedAt.getTime(), atMs)) {
      add(day, { cpuSeconds: cpus * seconds, memMbSeconds: memMb * seconds, gpuSeconds: gpus * seconds });
    }
  }
  return [...byDay].map(([day, amounts]) => ({ tenantId, day, place, amounts }));
}

function endOf(status: TaskState): Partial<UsageAmounts> {
  switch (status) {
    case TaskState.FINISHED:
      return { tasks: 1, finished: 1 };
    case TaskState.KILLED:
      return { tasks: 1, killed: 1 };
    case TaskState.EXPIRED:
      return { tasks: 1, expired: 1 };
    default:
      return { tasks: 1, failed: 1 };
  }
}

function* partsByDay(fromMs: number, toMs: number): Generator<{ readonly day: string; readonly seconds: number }> {
  for (let atMs = fromMs; atMs < toMs;) {
    const nextMs = Math.min(toMs, Math.floor(atMs / dayMs) * dayMs + dayMs);
    yield { day: dayOf(atMs), seconds: (nextMs - atMs) / 1000 };
    atMs = nextMs;
  }
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
