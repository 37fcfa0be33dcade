import type {
  LiveTask,
  QueueSurvey,
  StatusEvent,
  TaskId,
  TaskTransition,
  TransitionOutcome,
  WhyWaiting,
} from '@juice/contracts';
import type { Log } from '@juice/observability';
import {
  createCommands,
  createState,
  type decide,
  describeState,
  surveyQueue,
  type Event,
  type Explanation,
  type MesosCall,
  type Patterns,
  type Policy,
  type UnknownAttempt,
  whyWaiting,
} from '@juice/scheduling';
import { Fenced } from './fenced.ts';
import type { Quarantine } from './quarantine.ts';

/** What the runner needs of the store; every write is guarded (see TaskTransition). */
export interface RunnerStore {
  applyTransitions(
    frame: { epoch: number; stamp: string },
    transitions: readonly TaskTransition[],
  ): Promise<TransitionOutcome>;
  loadLiveTasks(ids: readonly TaskId[]): Promise<readonly { taskId: TaskId; live: LiveTask | null }[]>;
}

/** The subscription that a frame's calls go to: the one its events came from. */
export interface CallTarget {
  /** Makes these calls; answers come back as events. Never rejects, and does not wait for the answers. */
  perform(calls: readonly MesosCall[]): void;
}

/** What people may ask the core, as it stands between two events. */
export interface Inquiries {
  why(taskId: TaskId): WhyWaiting;
  survey(): QueueSurvey;
}

export interface Runner extends Inquiries {
  /** Hands an event to the core, in order. `cluster.subscribed` brings the subscription that later calls go to. */
  push(event: Event, target?: CallTarget): void;
  /** Plays frames until stopped; rejects when a write failed for good or was fenced: the process must end then. */
  run(): Promise<void>;
  stop(): void;
  describe(): ReturnType<typeof describeState> & { queued: number };
}

/** Events of one frame: enough to share a write among hundreds, few enough to keep a frame short. */
const eventsPerFrame = 2_000;

/**
 * The frame loop: take what has arrived → decide each → one bulk write of all records → then the calls → tell of what
 * changed. Group commit: under load a frame holds hundreds of events and costs one round trip. A frame whose write
 * missed in places goes on without those tasks, and they are decided anew, first thing in the next frame.
 */
export function createRunner(deps: {
  store: RunnerStore;
  epoch: number;
  policy: Policy;
  patterns: Patterns;
  decide: typeof decide;
  /** Throws when the lease may have ended: asked before every write. */
  assertLeading: () => void;
  /** Runs a write until it succeeds, within the lease. */
  persevere: <T>(operation: string, attempt: () => Promise<T>) => Promise<T>;
  quarantine: Pick<Quarantine, 'holds' | 'fatal' | 'refused'>;
  announce: (events: readonly StatusEvent[]) => void;
  /** A frame was stored, and took so long. */
  stored: (applied: readonly TaskTransition[], durationMs: number) => void;
  /** Asks the store whose these attempts are; what it finds comes back as events. */
  identify: (unknown: readonly UnknownAttempt[]) => void;
  log: Log;
  now: () => number;
}): Runner {
  const { store, epoch, decide, quarantine, log, now } = deps;
  const state = createState(deps.policy, deps.patterns);
  let queue: { event: Event; target: CallTarget | undefined }[] = [];
  let target: CallTarget | null = null;
  let frames = 0;
  let stopped = false;
  let wake: (() => void) | null = null;

  async function playFrame(): Promise<void> {
    const startedMs = now();
    const taken = queue.splice(0, eventsPerFrame);
    const out = createCommands();
    for (const { event, target: bringsTarget } of taken) {
      if (event.kind === 'cluster.subscribed' || event.kind === 'cluster.disconnected') {
        target = bringsTarget ?? null;
        // Decided for the stream that ended: on the next one they would say what no longer holds (a SUPPRESS, say).
        out.call.length = 0;
      }
      const status = event.kind === 'status.received' ? event.status : null;
      if (status !== null && quarantine.holds(status)) {
        const { mesosTaskId, agentId, uuid } = status;
        decide(state, { kind: 'update.quarantined', atMs: event.atMs, mesosTaskId, agentId, uuid }, out);
        continue;
      }
      try {
        decide(state, event, out);
      } catch (error: unknown) {
        if (status !== null) await quarantine.fatal(status, error);
        throw error;
      }
    }
    decide(state, { kind: 'frame.closing', atMs: now(), backlog: queue.length }, out);
    const missed = out.persist.length === 0 ? none : await persist(out.persist);
    const calls = out.call.flatMap((call) => withoutMissed(call, missed));
    if (calls.length > 0) target?.perform(calls);
    const applied = out.persist.filter(({ taskId }) => !missed.has(taskId));
    if (applied.length > 0) deps.announce(applied.map(toStatusEvent));
    if (out.identify.length > 0) deps.identify(out.identify);
    for (const explanation of out.explain) log[levelOf(explanation)](explanation.kind, { ...explanation });
    if (applied.length > 0) {
      const facts = { events: taken.length, writes: applied.length, missed: missed.size, calls: calls.length };
      const durationMs = now() - startedMs;
      deps.stored(applied, durationMs);
      log.debug('frame.completed', { epoch, ...facts, durationMs });
    }
  }

  async function persist(transitions: readonly TaskTransition[]): Promise<ReadonlySet<TaskId>> {
    frames += 1;
    const frame = { epoch, stamp: `${epoch}.${frames}` };
    const outcome = await deps.persevere('applyTransitions', () => {
      deps.assertLeading();
      return store.applyTransitions(frame, transitions);
    });
    if (outcome.fenced) throw new Fenced(epoch);
    const { missed, refused } = outcome;
    if (missed.length + refused.length === 0) return none;
    for (const { taskId, detail } of refused)
      await quarantine.refused(
        transitions.filter((transition) => transition.taskId === taskId),
        detail,
      );
    const fresh = missed.length === 0 ? [] : await deps.persevere('loadLiveTasks', () => store.loadLiveTasks(missed));
    // Of a task that cannot be written we let go, until a sweep finds it again: the others go on.
    const conflicts = [...fresh, ...refused.map(({ taskId }) => ({ taskId, live: null }))].map(({ taskId, live }) => {
      log.info('task.conflicted', { taskId, epoch });
      return { event: { kind: 'task.conflicted', atMs: now(), taskId, live } as const, target: undefined };
    });
    queue = [...conflicts, ...queue];
    return new Set(conflicts.map(({ event }) => event.taskId));
  }

  return {
    push(event, bringsTarget) {
      queue.push({ event, target: bringsTarget });
      wake?.();
    },
    async run() {
      while (!stopped) {
        if (queue.length > 0) await playFrame();
        else await new Promise<void>((resolve) => (wake = resolve));
        wake = null;
      }
    },
    stop() {
      stopped = true;
      wake?.();
    },
    why: (taskId) => whyWaiting(state, taskId, now()),
    survey: () => surveyQueue(state, now()),
    describe: () => ({ ...describeState(state), queued: queue.length }),
  };
}

const none: ReadonlySet<TaskId> = new Set();

/** An attempt that was given up and runs after all is rare, and work done twice; the rest is everyday life. */
function levelOf({ kind }: Explanation): 'warn' | 'info' | 'debug' {
  if (kind === 'attempt.superseded') return 'warn';
  return kind === 'task.preempted' ? 'info' : 'debug';
}

/** A task whose write missed is left out of the calls: nothing is said to the cluster that was not written down. */
function withoutMissed(call: MesosCall, missed: ReadonlySet<TaskId>): MesosCall[] {
  if (missed.size === 0) return [call];
  if (call.kind === 'accept') {
    const launches = call.launches.filter(({ taskId }) => !missed.has(taskId));
    if (launches.length === call.launches.length) return [call];
    return launches.length > 0
      ? [{ ...call, launches }]
      : [{ kind: 'decline', offerIds: call.offerIds, refuseSeconds: 0 }];
  }
  return 'taskId' in call && call.taskId !== null && missed.has(call.taskId) ? [] : [call];
}

/** The event that a transition leaves in its task's outbox. */
export function toStatusEvent(transition: TaskTransition): StatusEvent {
  const { taskId, tenantId, expectSeq, status, attempt, message, reason, atMs, callback } = transition;
  return { v: 1, taskId, tenantId, seq: expectSeq + 1, status, attempt, message, reason, atMs, callback };
}
