import { DependencyFailure, isEndState, TaskState, type TaskId } from '@juice/contracts';
import { createMemoryEventLog, createMemoryLog, type LogServer } from '@juice/persistence/testing';
import { createEventStreams, type EventStreams, type StreamEnd } from '../src/event-streams.ts';
import { createEventTail, type TailLimits } from '../src/event-tail.ts';
import { createFollowEvents, type FollowedTask, type FollowedTasks } from '../src/follow-events.ts';
import type { FollowLimits } from '../src/follow-log.ts';

type Limits = Partial<TailLimits & FollowLimits>;

/** A large one, as they are. */
export function idOf(task: number): TaskId {
  return (806_769_905_152_840_000n + BigInt(task)) as TaskId;
}

/**
 * An event log with a leader that writes it, the tasks it is about, and any number of processes that serve streams of it; all of
 * it in memory.
 */
export async function createEventWorld(settings: { readonly turn?: () => Promise<void> } = {}) {
  const log = createMemoryLog();
  const trouble = { isAway: false };
  const server: LogServer = {
    command: async (operation, serve) => {
      if (!trouble.isAway) return serve();
      throw new DependencyFailure({ dependency: 'mongodb', operation, retryable: true, detail: 'is away' });
    },
    async turn(act) {
      await settings.turn?.();
      return act();
    },
  };
  const eventLog = createMemoryEventLog(log, { server });
  const states = new Map<TaskId, { tenantId: string; status: TaskState; seq: number; outbox: unknown[] }>();
  const listeners = new Set<() => void>();
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  let epoch = 0;
  let writer = await nextWriter();

  async function nextWriter() {
    epoch += 1;
    const opened = await createMemoryEventLog(log).open(epoch, clock.nowMs);
    if (opened === 'fenced') throw new Error(`epoch ${epoch} is fenced`);
    return opened;
  }

  const tasks: FollowedTasks = {
    async findTasks(tenantId, taskIds) {
      const found = taskIds.map((taskId) => states.get(taskId));
      return found.filter((task) => task !== undefined).filter((task) => task.tenantId === tenantId);
    },
  };

  return {
    log,
    eventLog,
    states,
    clock,
    trouble,
    /** The next transition of a task, of tenant `t` when it is new. Without `isLogged` it stays in the outbox. */
    async transition(
      task: number,
      status: TaskState = TaskState.RUNNING,
      facts: { tenantId?: string; isLogged?: boolean; message?: string } = {},
    ) {
      const taskId = idOf(task);
      const { tenantId = 't', isLogged = true, message } = facts;
      const state = states.get(taskId) ?? { tenantId, status, seq: 0, outbox: [] };
      states.set(taskId, state);
      if (isEndState(state.status) && state.seq > 0) return;
      Object.assign(state, { status, seq: state.seq + 1 });
      const event = { taskId, tenantId: state.tenantId, seq: state.seq, status, attempt: 1, reason: null };
      if (!isLogged) return void state.outbox.push(event);
      const said = { message: message ?? `transition ${state.seq}`, atMs: clock.nowMs };
      await writer.append([{ ...event, ...said }], clock.nowMs);
      for (const listener of listeners) listener();
    },
    async changeLeader() {
      writer = await nextWriter();
    },
    /** A process that serves streams: `hears` says whether messages reach it. */
    serve(settings: Partial<Parameters<typeof createEventStreams>[0]> & { limits?: Limits; hears?: boolean } = {}) {
      const ends: StreamEnd[] = [];
      const { hears = true } = settings;
      const limits: Limits = { heartbeatMs: 60_000, pollMs: 5, ...settings.limits };
      const tail = createEventTail({
        log: eventLog,
        hints: {
          async listen(_exchange, _pattern, onPublished) {
            if (hears) listeners.add(onPublished);
            return { cancel: async () => void listeners.delete(onPublished) };
          },
        },
        logger: { warn: () => undefined },
        limits,
      });
      const follow = createFollowEvents({
        ...{ log: eventLog, tasks, tail, limits },
        now: () => clock.nowMs,
        random: () => 0,
      });
      const streams: EventStreams = createEventStreams({
        ...{ follow, most: 100, mostPerTenant: 100 },
        ended: (reason) => void ends.push(reason),
        ...settings,
      });
      return { tail, follow, streams, ends };
    },
    /** How many processes listen for messages. */
    listening: () => listeners.size,
  };
}

/** For tests of everything else: nothing is logged, and streams end by themselves, so that their answers have an end. */
export function createShortStreams(tasks: {
  findTasks(tenantId: string, taskIds: readonly TaskId[]): Promise<readonly Omit<FollowedTask, 'outbox'>[]>;
}): EventStreams {
  const log = createMemoryEventLog(createMemoryLog());
  const hints = { listen: () => Promise.resolve({ cancel: () => Promise.resolve() }) };
  const tail = createEventTail({ log, hints, logger: { warn: () => undefined } });
  const followed: FollowedTasks = {
    findTasks: async (...wanted) => (await tasks.findTasks(...wanted)).map((task) => ({ ...task, outbox: [] })),
  };
  return createEventStreams({
    follow: createFollowEvents({ log, tasks: followed, tail, now: () => 0, random: () => 0 }),
    ...{ most: 100, mostPerTenant: 100, ended: () => undefined, lifeMs: 20 },
  });
}
