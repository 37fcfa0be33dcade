import { DependencyFailure, firstTaskIdAt, type LiveTask, type TaskId, type TaskSpec } from '@juice/contracts';
import { createMemoryEventLog, type LogServer, type MemoryLog } from '@juice/persistence/testing';
import type { TaskTable } from '@juice/scheduling/testing';
import { toStatusEvent } from '../../src/runner.ts';
import type { FrameworkIds, TermDeps, TermStore } from '../../src/term.ts';
import type { Chance } from './chance.ts';
import type { Ledger } from './ledger.ts';
import type { Life } from './life.ts';
import type { MemoryOutboxes } from '../memory-outboxes.ts';
import type { Timeline } from './timeline.ts';

/** The database: what all schedulers share. */
export interface Database {
  readonly table: TaskTable;
  readonly specs: Map<TaskId, TaskSpec>;
  readonly outboxes: MemoryOutboxes;
  readonly log: MemoryLog;
  framework: { id: string | null; epoch: number };
  readonly quarantine: Set<string>;
  /** The share of operations that fail: half of them after they took effect. */
  trouble: number;
  /** The broker takes nothing. */
  isBusAway: boolean;
}

/** The store and framework ids as one process sees them: with delays, failures and lost answers. */
export function createSimulatedStore(deps: {
  database: Database;
  life: Life;
  timeline: Timeline;
  chance: Chance;
  ledger: Ledger;
}): Pick<TermDeps, 'store' | 'eventLog' | 'frameworks' | 'quarantine'> {
  const { database, life, timeline, chance, ledger } = deps;
  const { table } = database;

  async function ask<T>(operation: string, act: () => T): Promise<T> {
    if (!life.isAlive()) return never();
    const fails = chance.happens(database.trouble);
    const answered = !fails || chance.happens(0.5);
    await timeline.wait(chance.between(0, 15));
    if (fails && !answered) throw lost(operation);
    const result = await life.operate(act);
    await timeline.wait(chance.between(0, 8));
    if (!life.isAlive()) return never();
    if (fails) throw lost(operation);
    return result;
  }

  const live = (wanted: (live: LiveTask) => boolean): LiveTask[] =>
    [...table.rows.keys()]
      .map((taskId) => table.load(taskId))
      .filter((task) => task !== null)
      .filter(wanted);

  const store: TermStore = {
    applyTransitions: (frame, transitions) =>
      ask('applyTransitions', () => {
        const before = table.applied.length;
        const outcome = table.applyFrame(frame, transitions);
        for (const write of table.applied.slice(before)) {
          ledger.stored(write, frame.epoch);
          database.outboxes.add(toStatusEvent(write));
        }
        return outcome;
      }),
    loadLiveTasks: (ids) => ask('loadLiveTasks', () => ids.map((taskId) => ({ taskId, live: table.load(taskId) }))),
    attemptIds: (ids) => ask('attemptIds', () => table.attemptIds(ids)),
    liveTasksAfter: (id, limit) =>
      ask('liveTasksAfter', () => live(({ task }) => task.taskId > (id ?? 0n)).slice(0, limit)),
    waitingSince: (firstId) =>
      ask('waitingSince', () => live((found) => found.live === null && found.task.taskId >= firstId)),
    killsRequested: () => ask('killsRequested', () => live(({ task }) => task.killRequested)),
    async *liveTasks() {
      yield await ask('liveTasks', () => live(() => true));
    },
    loadLaunchSpecs: (ids) =>
      ask('loadLaunchSpecs', () => {
        const found = ids.map((id) => [id, database.specs.get(id)] as const);
        return new Map(found.flatMap(([id, spec]) => (spec === undefined ? [] : [[id, { spec, traceparent: null }]])));
      }),
    clearOutbox: (published) => ask('clearOutbox', () => database.outboxes.clear(published)),
    readOutboxes: (ids) => ask('readOutboxes', () => database.outboxes.read(ids)),
    // Small pages, so that there are several.
    outboxPage: (fromMs) => ask('outboxPage', () => database.outboxes.page(fromMs, 3)),
  };

  const { framework } = database;
  const frameworks: FrameworkIds = {
    claim: (_name, epoch) =>
      ask('claim', () => (write(framework.id, epoch) === 'fenced' ? 'fenced' : { frameworkId: framework.id })),
    save: (_name, id, epoch) => ask('save', () => write(id, epoch)),
    clear: (_name, epoch) => ask('clear', () => write(null, epoch)),
  };
  function write(id: string | null, epoch: number): 'saved' | 'fenced' {
    if (epoch < framework.epoch) return 'fenced';
    framework.id = id;
    framework.epoch = epoch;
    return 'saved';
  }

  const quarantine: TermDeps['quarantine'] = {
    put: ({ key }) => ask('quarantine', () => void database.quarantine.add(key)),
    keys: () => ask('load quarantine', () => [...database.quarantine]),
  };
  const eventLog = createMemoryEventLog(database.log, { server: createLogServer(deps) });
  return { store, eventLog, frameworks, quarantine };
}

/**
 * The log's server, as one process reaches it. What has arrived is served to its end, one document after the other, whether
 * or not anybody waits for it still.
 */
function createLogServer(deps: { database: Database; life: Life; timeline: Timeline; chance: Chance }): LogServer {
  const { database, life, timeline, chance } = deps;
  return {
    async turn(act) {
      if (chance.happens(0.2)) await timeline.wait(chance.happens(0.05) ? chance.between(100, 2_000) : 1);
      return act();
    },
    async command(operation, serve) {
      if (!life.isAlive()) return never();
      const luck = chance.happens(database.trouble) ? chance.below(3) : null;
      await timeline.wait(chance.between(0, 15));
      if (luck === 0) throw lost(operation);
      const { served } = await life.operate(() => ({ served: serve() }));
      if (luck === 1) throw lost(operation);
      const result = await served;
      await timeline.wait(chance.between(0, 8));
      if (!life.isAlive()) return never();
      if (luck === 2) throw lost(operation);
      return result;
    },
  };
}

/** An id as the api makes it: grows with time. */
export function taskIdAt(atMs: number, count: number): TaskId {
  return (firstTaskIdAt(atMs) + BigInt(count)) as TaskId;
}

function lost(operation: string): DependencyFailure {
  return new DependencyFailure({ dependency: 'mongodb', operation, retryable: true, detail: 'the connection broke' });
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
