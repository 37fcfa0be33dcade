import type { LiveTask } from '@juice/contracts';
import { createCommands, decide, type Commands, type Event, type MesosCall, type State } from '@juice/scheduling';
import type { Stream } from '../../src/session.ts';
import type { Mutant, SimulatedTerm } from './leaders.ts';

type Thinking = (state: State, event: Event, out: Commands, term: SimulatedTerm) => void;

/** A core that thinks otherwise. */
function thinking(thought: Thinking): Mutant {
  return (term) => ({ ...term, decide: (state, event, out) => thought(state, event, out, term) });
}

/** Decides as ever, and lets the mutant change what came of it before the frame has it. */
function rethinking(change: (fresh: Commands, state: State) => void): Mutant {
  return thinking((state, event, out) => {
    const fresh = createCommands();
    decide(state, event, fresh);
    change(fresh, state);
    out.persist.push(...fresh.persist);
    out.call.push(...fresh.call);
    out.identify.push(...fresh.identify);
    out.explain.push(...fresh.explain);
  });
}

const removeCalls = (commands: Commands, unwanted: (call: MesosCall) => boolean): void => {
  commands.call.splice(0, Infinity, ...commands.call.filter((call) => !unwanted(call)));
};

/** The acknowledgement leaves as soon as the update is decided on; its record follows with the frame. */
const acknowledgesBeforeStoring: Mutant = (term) => {
  let stream: Stream | null = null;
  const early = rethinking((fresh, { cluster }) => {
    for (const call of fresh.call) {
      if (call.kind !== 'acknowledge') continue;
      const [agent_id, task_id] = [{ value: call.agentId }, { value: call.mesosTaskId }];
      const { uuid } = call;
      void stream?.call({
        framework_id: { value: cluster.frameworkId ?? '' },
        type: 'ACKNOWLEDGE',
        acknowledge: { agent_id, task_id, uuid },
      });
    }
    removeCalls(fresh, (call) => call.kind === 'acknowledge');
  })(term);
  return { ...early, subscribe: async (...known) => (stream = await term.subscribe(...known)) };
};

/** The store says yes to a launch and writes it down when it gets round to it. */
const launchesBeforeStoring: Mutant = (term) => ({
  ...term,
  store: {
    ...term.store,
    async applyTransitions(frame, transitions) {
      if (!transitions.some(({ change }) => change.kind === 'launch')) {
        return term.store.applyTransitions(frame, transitions);
      }
      void term.wait?.(50).then(() => term.store.applyTransitions(frame, transitions).catch(() => undefined));
      return Promise.resolve({ missed: [], refused: [], fenced: false });
    },
  },
});

const dropsUpdatesWithoutUuid = thinking((state, event, out) => {
  if (event.kind !== 'status.received' || event.status.uuid !== null) decide(state, event, out);
});

const endsUnreachable = thinking((state, event, out) => {
  const isUnreachable = event.kind === 'status.received' && event.status.state === 'TASK_UNREACHABLE';
  decide(state, isUnreachable ? { ...event, status: { ...event.status, state: 'TASK_LOST' } } : event, out);
});

const neverReconciles = rethinking((fresh) => removeCalls(fresh, (call) => call.kind === 'reconcile'));

/** Every attempt goes by the id of the first. */
const reusesIds: Mutant = (term) => {
  const inner = new Map<string, string>();
  const firstOf = (id: string): string => id.replace(/-\d+$/, '-1');
  const known = (id: string): string => inner.get(firstOf(id)) ?? id;
  return {
    ...term,
    decide(state, event, out) {
      const fresh = createCommands();
      decide(state, renamed(event), fresh);
      out.persist.push(
        ...fresh.persist.map((write) => {
          if (write.change.kind !== 'launch') return write;
          const { mesosTaskId } = write.change;
          inner.set(firstOf(mesosTaskId), mesosTaskId);
          return { ...write, change: { ...write.change, mesosTaskId: firstOf(mesosTaskId) } };
        }),
      );
      out.call.push(...fresh.call.map(outward));
      out.identify.push(...fresh.identify);
    },
  };
  function renamed(event: Event): Event {
    if (event.kind === 'status.received') {
      return { ...event, status: { ...event.status, mesosTaskId: known(event.status.mesosTaskId) } };
    }
    return event.kind === 'accept.answered' ? { ...event, mesosTaskIds: event.mesosTaskIds.map(known) } : event;
  }
  function outward(call: MesosCall): MesosCall {
    const first = <T extends { readonly mesosTaskId: string }>(one: T): T => ({
      ...one,
      mesosTaskId: firstOf(one.mesosTaskId),
    });
    if (call.kind === 'accept') return { ...call, launches: call.launches.map(first) };
    if (call.kind === 'reconcile') return { ...call, tasks: call.tasks.map(first) };
    return 'mesosTaskId' in call ? first(call) : call;
  }
};

/** Takes every ACCEPT for answered as soon as it is made. */
const overtakesAccepts = thinking((state, event, out) => {
  for (const task of state.attempts.values()) if (task.live !== null) task.live.settled = true;
  decide(state, event, out);
});

/** No news of a launch for a while: it is taken for lost. */
const repeatsSilentLaunches = thinking((state, event, out) => {
  decide(state, event, out);
  if (event.kind !== 'clock.ticked') return;
  for (const { live } of [...state.attempts.values()]) {
    if (live?.state !== 'launching' || event.atMs - live.launchedAtMs < state.policy.launchNewsMs) continue;
    const { mesosTaskId, agentId } = live;
    const lost = { state: 'TASK_LOST', message: 'no news', reason: null, uuid: null, healthy: true } as const;
    decide(state, { kind: 'status.received', atMs: event.atMs, status: { ...lost, mesosTaskId, agentId } }, out);
  }
});

/** What it knows of the tasks is from before it cut the other scheduler off. */
const loadsBeforeSubscribing: Mutant = (term) => {
  const loaded = loadAll(term.store).catch(() => []);
  return {
    ...term,
    subscribe: async (...known) => {
      await loaded;
      return term.subscribe(...known);
    },
    store: {
      ...term.store,
      async *liveTasks() {
        yield* await loaded;
      },
    },
  };
};

async function loadAll(store: SimulatedTerm['store']): Promise<(readonly LiveTask[])[]> {
  const batches: (readonly LiveTask[])[] = [];
  for await (const batch of store.liveTasks(1_000)) batches.push(batch);
  return batches;
}

const requeuesInSpiteOfKills = rethinking((fresh) => {
  const careless = fresh.persist.map((write) =>
    write.requeue === null ? write : { ...write, unlessKillRequested: false },
  );
  fresh.persist.splice(0, Infinity, ...careless);
});

/** What was given up while its agent was away is nobody's any more. */
const leavesGivenUpAttempts = rethinking((fresh) => void fresh.identify.splice(0));

/** What it cannot read it puts into quarantine and acknowledges, and that is that. */
const forgetsWhatItCouldNotRead = thinking((state, event, out) => {
  if (event.kind !== 'update.quarantined') return decide(state, event, out);
  const { mesosTaskId, agentId, uuid } = event;
  if (agentId !== null && uuid !== null)
    out.call.push({ kind: 'acknowledge', taskId: null, mesosTaskId, agentId, uuid });
});

/** Every event is new to it. */
const asksNotWhatIsLogged: Mutant = (term) => ({
  ...term,
  eventLog: { ...term.eventLog, lastSeqs: () => Promise.resolve(new Map()) },
});

/** The log says yes at once, and gets the events when the writer gets round to it. */
const clearsBeforeLogging: Mutant = (term) => ({
  ...term,
  eventLog: {
    ...term.eventLog,
    async open(...facts) {
      const writer = await term.eventLog.open(...facts);
      if (writer === 'fenced') return writer;
      let writing: Promise<unknown> = Promise.resolve();
      return {
        append(...given) {
          writing = writing.then(() => writer.append(...given).catch(() => undefined));
          return Promise.resolve('appended');
        },
      };
    },
  },
});

/** What is in an outbox and was not announced by itself is nobody's business. */
const leavesOutboxes: Mutant = (term) => ({
  ...term,
  store: { ...term.store, outboxPage: () => Promise.resolve({ events: [], next: null }) },
});

/** What frames announce goes to the log as it comes: what an earlier leader left is logged when a sweep finds it. */
const logsPastGaps: Mutant = (term) => ({
  ...term,
  store: { ...term.store, readOutboxes: () => Promise.resolve([]) },
});

/** Schedulers with one mistake each: the simulation is worth what it finds of them. */
export const mutants: Readonly<Record<string, Mutant>> = {
  'acknowledges before it stores': acknowledgesBeforeStoring,
  'launches before it stores': launchesBeforeStoring,
  'drops updates without a uuid': dropsUpdatesWithoutUuid,
  'takes UNREACHABLE for an end': endsUnreachable,
  'never reconciles': neverReconciles,
  'gives the next attempt the same id': reusesIds,
  'lets KILL and RECONCILE overtake ACCEPT': overtakesAccepts,
  'launches anew after a deadline': repeatsSilentLaunches,
  'loads before it subscribes': loadsBeforeSubscribing,
  'puts a task back though its kill was requested': requeuesInSpiteOfKills,
  'forgets that it could not read an update': forgetsWhatItCouldNotRead,
  'leaves attempts that it gave up alone when they come back': leavesGivenUpAttempts,
  'does not ask what the event log has already': asksNotWhatIsLogged,
  'clears an outbox before its events are logged': clearsBeforeLogging,
  'does not look into the outboxes': leavesOutboxes,
  'logs an event before an older one of its task that is still in the outbox': logsPastGaps,
};
