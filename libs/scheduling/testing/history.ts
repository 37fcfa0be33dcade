import { TaskState, type LaunchStops, type TaskId, type TaskTransition } from '@juice/contracts';
import {
  createCommands,
  createState,
  decide,
  defaultPolicy,
  type Commands,
  type Event,
  type MesosCall,
  type MesosState,
  type Policy,
  type State,
} from '../src/index.ts';
import { offerOf, testPatterns } from './samples.ts';
import { TaskTable } from './task-table.ts';

export type Step =
  | { kind: 'submit'; cpus: number; retry: number }
  | { kind: 'offer'; agent: number; cpus: number }
  | { kind: 'rescind'; which: number }
  | { kind: 'report'; which: number; word: number; repeat: boolean }
  | { kind: 'garble'; which: number; uuid: boolean }
  | { kind: 'kill'; which: number; told: boolean }
  | { kind: 'answer'; refuse: boolean }
  | { kind: 'tick'; ms: number }
  | { kind: 'switch'; stops: 'nothing' | 'all' | 'role' }
  | { kind: 'resubscribe' }
  | { kind: 'takeover' };

const words: readonly MesosState[] = [
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_RUNNING',
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_LOST',
  'TASK_UNREACHABLE',
  'TASK_UNKNOWN',
  'TASK_GONE',
  'TASK_KILLED',
  'TASK_KILLING',
  'TASK_DROPPED',
];

/** Two tenants, one of which soon has others' tasks stopped for its own. */
const policy: Policy = {
  ...defaultPolicy,
  ...{ reserveAfterMs: 1_000, reserveMs: 10_000_000, reserveShare: 1 },
  preemption: { afterMs: 5_000, safeShare: 0.1, minDifference: 0, most: 4 },
};

/** Every offer here is of the role "*". */
const stopsOf = {
  nothing: { all: null, roles: new Map() },
  all: { all: 'moved', roles: new Map() },
  role: { all: null, roles: new Map([['*', 'moved']]) },
} satisfies Record<string, LaunchStops>;

const losses: ReadonlySet<string> = new Set(['TASK_LOST', 'TASK_GONE', 'TASK_DROPPED', 'TASK_UNREACHABLE']);

interface Answerable {
  readonly cpuMillis: number;
  answered: boolean;
}

/**
 * Plays a history of random steps to the core as the shell would (frame by frame, writes before calls, missed writes as
 * conflicts) and notes every violation of what the core promises.
 */
export class History {
  readonly violations: string[] = [];
  readonly trace: unknown[] = [];
  readonly table = new TaskTable();
  #state: State = createState(policy, testPatterns);
  #nowMs = 1_000;
  #count = 0;
  #offers = new Map<string, Answerable>();
  /** Mesos task ids that were in an ACCEPT, and those of them whose ACCEPT was not answered yet. */
  readonly #launched = new Set<string>();
  #unanswered: string[] = [];
  #stops: LaunchStops = stopsOf.nothing;
  /** Those of which an update could not be read. */
  readonly #garbled = new Set<string>();

  constructor() {
    this.#frame([{ kind: 'cluster.subscribed', atMs: this.#nowMs, frameworkId: 'f' }]);
    this.#frame([{ kind: 'takeover.completed', atMs: this.#nowMs }]);
  }

  take(step: Step): unknown {
    this.#nowMs += 1;
    const atMs = this.#nowMs;
    switch (step.kind) {
      case 'submit': {
        const needs = { cpuMillis: step.cpus * 1000, memMb: 1, diskMb: 0, gpus: 0, ports: 0, hostPorts: [] };
        const { taskId } = this.table.insert({ needs, retry: step.retry % 3, tenantId: `tenant-${step.retry % 2}` });
        return this.#frame([{ kind: 'task.loaded', atMs, taskId, live: this.table.load(taskId) }]);
      }
      case 'offer':
        return this.#offer(step.agent, step.cpus * 1000);
      case 'rescind': {
        const offerId = [...this.#offers].filter(([, offer]) => !offer.answered)[step.which]?.[0];
        if (offerId === undefined) return undefined;
        this.#offers.delete(offerId);
        return this.#frame([{ kind: 'offer.rescinded', atMs, offerId }]);
      }
      case 'report': {
        const mesosTaskId = [...this.#launched][step.which];
        if (mesosTaskId === undefined) return undefined;
        this.report(mesosTaskId, words[step.word] ?? 'TASK_RUNNING', step.repeat ? 2 : 1);
        return undefined;
      }
      case 'garble': {
        const mesosTaskId = [...this.#launched][step.which];
        if (mesosTaskId !== undefined) this.#garble(mesosTaskId, step.uuid ? `uuid-${this.#count++}` : null);
        return undefined;
      }
      case 'kill': {
        const taskId = [...this.table.rows.keys()][step.which];
        if (taskId === undefined) return undefined;
        this.table.requestKill(taskId);
        if (step.told) this.#frame([{ kind: 'task.loaded', atMs, taskId, live: this.table.load(taskId) }]);
        return undefined;
      }
      case 'answer': {
        const mesosTaskIds = this.#unanswered;
        this.#unanswered = [];
        if (mesosTaskIds.length === 0) return undefined;
        if (step.refuse) for (const id of mesosTaskIds) this.#launched.delete(id);
        const answer = step.refuse ? 'refused' : 'accepted';
        return this.#frame([{ kind: 'accept.answered', atMs, mesosTaskIds, answer, detail: '' }]);
      }
      case 'tick':
        this.#nowMs += step.ms;
        return this.#frame([{ kind: 'clock.ticked', atMs: this.#nowMs, backlog: 0 }]);
      case 'switch':
        this.#stops = stopsOf[step.stops];
        return this.#frame([{ kind: 'launching.switched', atMs, stops: this.#stops }]);
      case 'resubscribe':
        this.#disconnect();
        this.#frame([{ kind: 'cluster.disconnected', atMs }]);
        return this.#frame([{ kind: 'cluster.subscribed', atMs, frameworkId: 'f' }]);
      case 'takeover':
        return this.#takeover();
      default:
        return step satisfies never;
    }
  }

  /** The cluster's word on an attempt, as often as said: each must be acknowledged once. */
  report(mesosTaskId: string, state: MesosState, times: number): void {
    // A word on it: the master has taken its ACCEPT in.
    this.#unanswered = this.#unanswered.filter((id) => id !== mesosTaskId);
    for (let time = 0; time < times; time += 1) {
      const status = {
        mesosTaskId,
        state,
        message: '',
        reason: null,
        agentId: 'agent-0',
        uuid: `uuid-${this.#count++}`,
        healthy: true,
      };
      const calls = this.#frame([{ kind: 'status.received', atMs: this.#nowMs, status }]);
      const acks = calls.filter((call) => call.kind === 'acknowledge' && call.uuid === status.uuid);
      if (acks.length !== 1) this.violations.push(`${mesosTaskId} ${state} was acknowledged ${acks.length} times`);
    }
  }

  /** An update that cannot be read comes until it is acknowledged: before it comes for the third time. */
  #garble(mesosTaskId: string, uuid: string | null): void {
    this.#unanswered = this.#unanswered.filter((id) => id !== mesosTaskId);
    const event = { kind: 'update.quarantined', atMs: this.#nowMs, mesosTaskId, agentId: 'agent-0', uuid } as const;
    this.#garbled.add(mesosTaskId);
    const calls = [...this.#frame([event]), ...this.#frame([event])];
    const acks = calls.filter((call) => call.kind === 'acknowledge' && call.mesosTaskId === mesosTaskId);
    if (acks.length > 0 !== (uuid !== null)) {
      this.violations.push(`what was not read of ${mesosTaskId} was acknowledged ${acks.length} times`);
    }
  }

  /** What nobody saw the end of, and may have finished. */
  #checkEnd({ taskId, attempt, change }: TaskTransition): void {
    if (change.kind !== 'end' || !change.free || !losses.has(change.mesosState)) return;
    if ([...this.#garbled].some((id) => id.endsWith(`-${taskId}-${attempt}`)))
      this.violations.push(`${taskId}/${attempt} is repeated at no cost though its update was not read`);
  }

  /** Offers plenty and lets every attempt finish, until nothing changes any more. */
  settle(): void {
    this.take({ kind: 'switch', stops: 'nothing' });
    this.take({ kind: 'resubscribe' });
    for (let round = 0; round < 40 && this.unended().length > 0; round += 1) {
      this.take({ kind: 'tick', ms: 70_000 });
      this.#offer(0, 1_000_000);
      this.take({ kind: 'answer', refuse: false });
      for (const row of this.table.rows.values()) {
        if (row.live !== null && !row.ended) this.report(row.live.mesosTaskId, 'TASK_FINISHED', 1);
      }
    }
  }

  unended(): TaskId[] {
    return [...this.table.rows.values()].filter((row) => !row.ended).map((row) => row.task.taskId);
  }

  #offer(agent: number, cpuMillis: number): void {
    const offerId = `offer-${this.#count++}`;
    this.#offers.set(offerId, { cpuMillis, answered: false });
    const host = { agentId: `agent-${agent}`, hostname: `host-${agent}` };
    const offer = offerOf({ offerId, ...host, cpuMillis, memMb: 100_000 });
    this.#frame([{ kind: 'offers.received', atMs: this.#nowMs, offers: [offer] }]);
  }

  #disconnect(): void {
    this.#offers.clear();
    // What was in flight on the old stream may have arrived or not; its offers are void either way.
    this.#unanswered = [];
  }

  /** A new leader: nothing but what was written is known to it. */
  #takeover(): void {
    this.#disconnect();
    this.#state = createState(policy, testPatterns);
    const atMs = this.#nowMs;
    this.#frame([{ kind: 'cluster.subscribed', atMs, frameworkId: 'f' }]);
    for (const taskId of this.table.rows.keys()) {
      const live = this.table.load(taskId);
      if (live !== null) this.#frame([{ kind: 'task.loaded', atMs, taskId, live }]);
    }
    this.#frame([{ kind: 'launching.switched', atMs, stops: this.#stops }]);
    this.#frame([{ kind: 'takeover.completed', atMs }]);
  }

  /** One frame as the runner plays it, and the frames that its missed writes cause. Returns the calls made. */
  #frame(events: readonly Event[]): MesosCall[] {
    const out: Commands = createCommands();
    for (const event of events) decide(this.#state, event, out);
    decide(this.#state, { kind: 'frame.closing', atMs: this.#nowMs, backlog: 0 }, out);
    this.trace.push(structuredClone(out));
    const missed = this.table.apply(out.persist);
    for (const write of out.persist) if (!missed.includes(write.taskId)) this.#checkEnd(write);
    const made = out.call.flatMap((call) => withoutMissed(call, missed));
    for (const call of made) this.#check(call);
    if (missed.length === 0) return made;
    const conflicts = missed.map((taskId): Event => {
      return { kind: 'task.conflicted', atMs: this.#nowMs, taskId, live: this.table.load(taskId) };
    });
    return [...made, ...this.#frame(conflicts)];
  }

  #check(call: MesosCall): void {
    switch (call.kind) {
      case 'accept':
        this.#checkAccept(call);
        break;
      case 'decline':
        for (const offerId of call.offerIds) this.#answerOffer(offerId);
        break;
      case 'kill':
        if (this.#unanswered.includes(call.mesosTaskId)) this.violations.push(`KILL of ${call.mesosTaskId} overtakes`);
        break;
      case 'reconcile':
        for (const { mesosTaskId } of call.tasks) {
          if (this.#unanswered.includes(mesosTaskId)) this.violations.push(`RECONCILE of ${mesosTaskId} overtakes`);
        }
        break;
      case 'acknowledge':
      case 'answer inverse':
      case 'revive':
      case 'suppress':
        break;
      default:
        call satisfies never;
    }
  }

  #checkAccept(call: Extract<MesosCall, { kind: 'accept' }>): void {
    if (this.#stops !== stopsOf.nothing) this.violations.push(`${call.offerIds.join()} is used though that is stopped`);
    let offered = 0;
    for (const offerId of call.offerIds) {
      offered += this.#offers.get(offerId)?.cpuMillis ?? 0;
      this.#answerOffer(offerId);
    }
    let cpuMillis = 0;
    for (const { taskId, mesosTaskId } of call.launches) {
      const row = this.table.rows.get(taskId);
      if (this.#launched.has(mesosTaskId)) this.violations.push(`${mesosTaskId} was launched twice`);
      if (row?.live?.mesosTaskId !== mesosTaskId || row.status !== TaskState.STAGING) {
        this.violations.push(`${mesosTaskId} was launched without a record`);
      }
      if (row?.task.killRequested) this.violations.push(`${mesosTaskId} was launched though its kill was requested`);
      cpuMillis += row?.task.needs.cpuMillis ?? 0;
      this.#launched.add(mesosTaskId);
      this.#unanswered.push(mesosTaskId);
    }
    if (cpuMillis > offered) this.violations.push(`${call.offerIds.join()} is overbooked`);
  }

  #answerOffer(offerId: string): void {
    const offer = this.#offers.get(offerId);
    if (offer === undefined) this.violations.push(`${offerId} was void when it was answered`);
    else if (offer.answered) this.violations.push(`${offerId} was answered twice`);
    else offer.answered = true;
  }
}

/** What the runner does with a call after its frame was stored: a task whose write missed is left out of it. */
function withoutMissed(call: MesosCall, missed: readonly TaskId[]): MesosCall[] {
  if (call.kind === 'accept') {
    const launches = call.launches.filter(({ taskId }) => !missed.includes(taskId));
    return launches.length > 0
      ? [{ ...call, launches }]
      : [{ kind: 'decline', offerIds: call.offerIds, refuseSeconds: 0 }];
  }
  return 'taskId' in call && call.taskId !== null && missed.includes(call.taskId) ? [] : [call];
}
