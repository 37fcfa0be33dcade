import type { SchedulableTask, TaskTransition } from '@juice/contracts';
import {
  createCommands,
  createState,
  decide,
  defaultPolicy,
  type Commands,
  type Event,
  type MesosState,
  type ObservedStatus,
  type Offer,
  type Policy,
  type State,
} from '../src/index.ts';
import { offerOf, testPatterns } from './samples.ts';
import { TaskTable } from './task-table.ts';

export const benchOffer = offerOf({ offerId: 'o1', agentId: 'agent-1', hostname: 'host-1', agentPort: 5051 });

/** A core over a table of tasks: subscribed, with everything loaded, and moved by single frames. */
export interface CoreBench {
  readonly state: State;
  readonly table: TaskTable;
  /** One frame: decides, closes, stores. Throws when a write misses. */
  frame(...events: Event[]): Commands;
  /** An event whose frame could not be written as a whole: every write missed. */
  decideUnstored(event: Event): Commands;
  load(task: SchedulableTask, atMs?: number): Event;
  /** Launches a task of these facts on the agent of `benchOffer`; its Mesos task id. */
  launch(facts?: Partial<SchedulableTask>): string;
  say(mesosTaskId: string, word: MesosState, more?: Partial<ObservedStatus>, atMs?: number): Commands;
  offer(facts: Partial<Offer> & { readonly offerId: string }, atMs: number): Commands;
  tick(atMs: number): Commands;
  /** A core that knows nothing yet. */
  restart(policy?: Policy): void;
  /** Another process leads: nothing but what was stored is known to it. */
  takeOver(atMs: number): Commands;
}

export function createCoreBench(): CoreBench {
  const table = new TaskTable();
  let state = createState(defaultPolicy, testPatterns);

  const bench: CoreBench = {
    get state() {
      return state;
    },
    table,
    frame(...events) {
      const out = createCommands();
      for (const event of events) decide(state, event, out);
      const atMs = events.at(-1)?.atMs ?? 0;
      decide(state, { kind: 'frame.closing', atMs, backlog: 0 }, out);
      const missed = table.apply(out.persist);
      if (missed.length > 0) throw new Error(`writes missed: ${missed.join()}`);
      return out;
    },
    decideUnstored(event) {
      const out = createCommands();
      decide(state, event, out);
      return out;
    },
    load: (task, atMs = 10) => ({ kind: 'task.loaded', atMs, taskId: task.taskId, live: table.load(task.taskId) }),
    launch(facts = {}) {
      const task = table.insert(facts);
      const out = bench.frame(bench.load(task), { kind: 'offers.received', atMs: 10, offers: [benchOffer] });
      const accept = out.call.find((call) => call.kind === 'accept');
      const id = accept?.launches[0]?.mesosTaskId ?? '';
      bench.frame({ kind: 'accept.answered', atMs: 11, mesosTaskIds: [id], answer: 'accepted', detail: '' });
      return id;
    },
    say(mesosTaskId, word, more = {}, atMs = 20) {
      const plain = { message: '', reason: null, agentId: 'agent-1', uuid: 'u', healthy: true };
      return bench.frame({ kind: 'status.received', atMs, status: { mesosTaskId, state: word, ...plain, ...more } });
    },
    offer: (facts, atMs) => bench.frame({ kind: 'offers.received', atMs, offers: [offerOf(facts)] }),
    tick: (atMs) => bench.frame({ kind: 'clock.ticked', atMs, backlog: 0 }),
    restart(policy = defaultPolicy) {
      state = createState(policy, testPatterns);
    },
    takeOver(atMs) {
      bench.restart();
      bench.frame({ kind: 'cluster.subscribed', atMs, frameworkId: 'f' });
      for (const { task } of table.rows.values()) bench.frame(bench.load(task, atMs));
      return bench.frame({ kind: 'takeover.completed', atMs });
    },
  };
  bench.takeOver(1);
  return bench;
}

export function lastWrite(out: Commands): TaskTransition | undefined {
  return out.persist.at(-1);
}
