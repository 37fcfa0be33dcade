import {
  commandKinds,
  commandMessage,
  firstTaskIdAt,
  tasksSubmittedMessage,
  type LiveTask,
  type TaskId,
} from '@juice/contracts';
import type { Consumer, Delivery } from '@juice/messaging';
import type { Log } from '@juice/observability';
import type { Event } from '@juice/scheduling';
import type { SwitchReader } from './switches.ts';
import type { TenantLimitsReader } from './tenant-limits.ts';

export interface IntakeStore {
  loadLiveTasks(ids: readonly TaskId[]): Promise<readonly { taskId: TaskId; live: LiveTask | null }[]>;
  waitingSince(firstId: TaskId, limit: number): Promise<readonly LiveTask[]>;
  liveTasksAfter(id: TaskId | null, limit: number): Promise<readonly LiveTask[]>;
  killsRequested(limit: number): Promise<readonly LiveTask[]>;
}

export interface IntakeBroker {
  consume(
    queue: 'juice.scheduler.tasks' | 'juice.scheduler.commands',
    options: { prefetch: number },
    onMessage: (message: Delivery) => void | Promise<void>,
  ): Promise<Consumer>;
}

export interface Intake {
  /** Starts to consume, now or as soon as the broker is there; the sweep finds the tasks meanwhile. */
  consume(): Promise<void>;
  /** Reads these tasks from MongoDB and hands them to the core. */
  read(taskIds: readonly TaskId[]): void;
  /**
   * Looks in MongoDB for what a lost message would have told: tasks waiting, kills requested; and round after round at
   * every live task, for what nobody tells (a last write of the leader before us, an id from a clock that lags behind).
   */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

/** Messages are acknowledged on receipt; the ids read at once are bounded by what one query should carry. */
const prefetch = 500;
const idsPerRead = 1_000;
/** Inserts have a deadline of ten seconds: an id older than this is visible to the takeover's load, or never. */
const sweepWindowMs = 30_000;
const sweepLimit = 20_000;
/** Live tasks looked at again in one sweep: a hundred thousand take about four minutes, and little of the database. */
const roundPage = 2_000;

/**
 * Messages and sweeps → events. A message is a hint: what it names is read from MongoDB, many ids in one read, and the
 * reading is what the core gets. Losing a message costs latency, repeating one costs nothing.
 */
export function createIntake(deps: {
  broker: IntakeBroker;
  store: IntakeStore;
  tenants: Pick<TenantLimitsReader, 'read'>;
  switches: SwitchReader;
  push: (event: Event) => void;
  /** Runs a read until it succeeds, while this process leads. */
  persevere: <T>(operation: string, attempt: () => Promise<T>) => Promise<T>;
  /** Told of tasks that were named and have ended: not by us, mostly. */
  onEnded: (taskIds: readonly TaskId[]) => void;
  /** A read failed for good: this process leads no more, or has a bug. */
  onFailure: (error: unknown) => void;
  log: Log;
  now: () => number;
}): Intake {
  const { broker, store, push, log, now } = deps;
  const consumers: Consumer[] = [];
  let named = new Set<TaskId>();
  let reading = false;
  let roundAt: TaskId | null = null;
  let isStopped = false;

  async function readNamed(): Promise<void> {
    if (reading) return;
    reading = true;
    while (named.size > 0) {
      const ids = [...named].slice(0, idsPerRead);
      named = new Set([...named].slice(idsPerRead));
      const loaded = await deps.persevere('loadLiveTasks', () => store.loadLiveTasks(ids));
      for (const { taskId, live } of loaded) push({ kind: 'task.loaded', atMs: now(), taskId, live });
      const ended = loaded.filter(({ live }) => live === null).map(({ taskId }) => taskId);
      if (ended.length > 0) deps.onEnded(ended);
    }
    reading = false;
  }

  function read(taskIds: readonly TaskId[]): void {
    for (const taskId of taskIds) named.add(taskId);
    readNamed().catch(deps.onFailure);
  }

  function onTasks(message: Delivery): void {
    const parsed = tasksSubmittedMessage.safeParse(message.body);
    if (parsed.success) {
      message.ack();
      read(parsed.data.taskIds);
    } else rejectUnread(message, 'juice.scheduler.tasks', log);
  }

  function onCommand(message: Delivery): void {
    const parsed = commandMessage.safeParse(message.body);
    if (!parsed.success) return rejectUnread(message, 'juice.scheduler.commands', log);
    message.ack();
    const command = parsed.data;
    switch (command.kind) {
      case 'kill':
        return read(command.taskIds);
      case 'reconcile':
        return push({ kind: 'reconcile.requested', atMs: now(), taskIds: command.taskIds });
      case 'tenant-changed':
        deps.persevere('load tenants', () => deps.tenants.read(command.tenantIds)).catch(deps.onFailure);
        return;
      case 'switches-changed':
        deps.persevere('load switches', () => deps.switches.read()).catch(deps.onFailure);
        return;
    }
  }

  async function nextOfRound(): Promise<readonly LiveTask[]> {
    const page = await store.liveTasksAfter(roundAt, roundPage);
    roundAt = page.length < roundPage ? null : (page.at(-1)?.task.taskId ?? null);
    return page;
  }

  return {
    read,
    async consume() {
      for (const [queue, onMessage] of [
        ['juice.scheduler.tasks', onTasks],
        ['juice.scheduler.commands', onCommand],
      ] as const) {
        if (isStopped) return;
        const consumer = await broker.consume(queue, { prefetch }, onMessage);
        // Stopped meanwhile: the messages are for the next leader.
        if (isStopped) await consumer.cancel();
        else consumers.push(consumer);
      }
    },
    async sweep() {
      const waiting = await store.waitingSince(firstTaskIdAt(now() - sweepWindowMs), sweepLimit);
      const killed = await store.killsRequested(sweepLimit);
      for (const live of [...waiting, ...killed, ...(await nextOfRound())]) {
        push({ kind: 'task.loaded', atMs: now(), taskId: live.task.taskId, live });
      }
    },
    async stop() {
      isStopped = true;
      await Promise.allSettled(consumers.map((consumer) => consumer.cancel()));
    },
  };
}

/**
 * To `juice.poison`, and told why: what a later version means by it is put back from there when its leader is up. Nothing waits
 * for it: a sweep finds what it told of.
 */
function rejectUnread(message: Delivery, queue: 'juice.scheduler.tasks' | 'juice.scheduler.commands', log: Log): void {
  const { v, kind } = Object(message.body) as { v?: unknown; kind?: unknown };
  const isNewer = typeof v === 'number' && v > 1;
  const isCommand = queue === 'juice.scheduler.commands' && typeof v === 'number' && typeof kind === 'string';
  const isUnknownKind = isCommand && !commandKinds.includes(kind);
  const outcome = isUnknownKind ? 'unknown kind' : isNewer ? 'newer version' : 'unreadable';
  log.warn('message.rejected', { queue, outcome });
  message.reject();
}
