import { DependencyFailure, isEndState, type LoggedEvent, type StatusEvent, type TaskId } from '@juice/contracts';
import type { Log } from '@juice/observability';
import { Fenced } from './fenced.ts';
import type { Wait } from './wait.ts';

/** The event log, to be written under our epoch. */
export interface RecorderLog {
  open(epoch: number, nowMs: number): Promise<EventWriter | 'fenced'>;
  lastSeqs(taskIds: readonly TaskId[]): Promise<ReadonlyMap<TaskId, number>>;
}

interface EventWriter {
  append(events: readonly Omit<LoggedEvent, 'cursor'>[], nowMs: number): Promise<'appended' | 'fenced'>;
}

export interface EventRecorder {
  /** Takes events that are stored, in any order and as often as they are met; resolves when they are in the log. */
  offer(events: readonly StatusEvent[]): Promise<void>;
  /** Records until stopped; rejects when a newer epoch writes the log. */
  run(): Promise<void>;
  /** Ends it when all at hand is in the log, or at once when that cannot be reached; the outboxes keep the rest. */
  stop(): void;
  readonly backlog: number;
}

const eventsPerBatch = 250;
/** Beyond this, events stay in their outboxes alone, and are found by the sweep. */
const mostHeld = 50_000;
const retryMs = 500;

/**
 * Events from the outboxes to the event log: **each transition of a task once, and a task's in the order of seq.** What is
 * offered may come again, in any order, and with gaps, since both frames and sweeps offer. What the log has of a task is known, or asked
 * of the log, which nobody but us can write now. Of what is offered all that the log has is left out; what does not
 * follow on from there is looked up in the task's outbox, which holds every event that is not in the log yet.
 */
export function createEventRecorder(deps: {
  log: RecorderLog;
  epoch: number;
  readOutboxes: (ids: readonly TaskId[]) => Promise<readonly StatusEvent[]>;
  /** Told of what was offered, and what had to come before it, once it is in the log. */
  recorded: (events: readonly StatusEvent[]) => void;
  wait: Wait;
  logger: Log;
  now: () => number;
}): EventRecorder {
  const { log, epoch, now } = deps;
  const stopping = new AbortController();
  let held: { readonly event: StatusEvent; readonly done?: () => void }[] = [];
  /** The seq of the last event in the log, of tasks that have not ended. One that is not here is asked for. */
  const lastSeqs = new Map<TaskId, number>();
  let wake: (() => void) | null = null;

  /** null when it was stopped first. */
  async function keepTrying<T>(operation: string, attempt: () => Promise<T>): Promise<T | null> {
    for (;;) {
      try {
        return await attempt();
      } catch (error: unknown) {
        if (!(error instanceof DependencyFailure)) throw error;
        deps.logger.warn('call.failed', { operation, events: held.length, error });
        await deps.wait(retryMs, stopping.signal);
        if (stopping.signal.aborted) return null;
      }
    }
  }

  /** What the log does not have yet of these events, and of what must come before them. */
  async function unlogged(events: readonly StatusEvent[]): Promise<readonly StatusEvent[]> {
    const byTask = new Map<TaskId, StatusEvent[]>();
    for (const event of events) byTask.set(event.taskId, [...(byTask.get(event.taskId) ?? []), event]);
    const unknown = [...byTask.keys()].filter((taskId) => !lastSeqs.has(taskId));
    const asked = unknown.length === 0 ? new Map<TaskId, number>() : await log.lastSeqs(unknown);
    const lastOf = (taskId: TaskId): number => lastSeqs.get(taskId) ?? asked.get(taskId) ?? 0;
    const gapped = [...byTask].filter(([taskId, of]) => !follows(after(of, lastOf(taskId)), lastOf(taskId)));
    const found = gapped.length === 0 ? [] : await deps.readOutboxes(gapped.map(([taskId]) => taskId));
    for (const event of found) byTask.get(event.taskId)?.push(event);
    return [...byTask].flatMap(([taskId, of]) => after(of, lastOf(taskId)));
  }

  function note(logged: readonly StatusEvent[]): void {
    for (const { taskId, seq, status } of logged) {
      if (isEndState(status)) lastSeqs.delete(taskId);
      else lastSeqs.set(taskId, seq);
    }
  }

  return {
    offer(events) {
      if (events.length === 0 || held.length + events.length > mostHeld) return Promise.resolve();
      return new Promise((resolve) => {
        for (const event of events.slice(0, -1)) held.push({ event });
        for (const event of events.slice(-1)) held.push({ event, done: resolve });
        wake?.();
      });
    },
    get backlog() {
      return held.length;
    },
    async run() {
      const writer = await keepTrying('open event log', () => log.open(epoch, now()));
      if (writer === 'fenced') throw new Fenced(epoch);
      while (writer !== null && !(stopping.signal.aborted && held.length === 0)) {
        if (held.length === 0) {
          await new Promise<void>((resolve) => (wake = resolve));
          wake = null;
          continue;
        }
        const batch = held.slice(0, eventsPerBatch);
        const events = batch.map(({ event }) => event);
        const missing = await keepTrying('find logged events', () => unlogged(events));
        if (missing === null) return;
        const outcome = await keepTrying('append events', () => writer.append(missing.map(asLogged), now()));
        if (outcome === null) return;
        if (outcome === 'fenced') throw new Fenced(epoch);
        note(missing);
        held = held.slice(batch.length);
        deps.recorded([...missing, ...events]);
        for (const { done } of batch) done?.();
      }
    },
    stop() {
      stopping.abort();
      wake?.();
    },
  };
}

/** Those past a seq, each once, in order. */
function after(events: readonly StatusEvent[], seq: number): StatusEvent[] {
  const fresh = new Map(events.filter((event) => event.seq > seq).map((event) => [event.seq, event]));
  return [...fresh.values()].sort((a, b) => a.seq - b.seq);
}

function follows(fresh: readonly StatusEvent[], seq: number): boolean {
  return fresh.every((event, at) => event.seq === seq + 1 + at);
}

function asLogged({ v: _version, callback: _callback, ...event }: StatusEvent): Omit<LoggedEvent, 'cursor'> {
  return event;
}
