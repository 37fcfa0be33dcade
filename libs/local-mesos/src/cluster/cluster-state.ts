import type {
  Attribute,
  ContainerStatus,
  Event,
  FrameworkInfo,
  TaskInfo,
  TaskState,
  TaskStatus,
  TaskStatusReason,
  Unavailability,
} from '@juice/mesos';
import type { CallKill } from './received-call.ts';
import type { Bag } from './resources.ts';
import type { TimerQueue } from './timer-queue.ts';

/**
 * Everything the stand-in cluster knows, split as in a real one: what the master believes (frameworks, tasks, offers,
 * membership of agents) and what the agents really hold (runs). The two meet only through messages, which a lost agent
 * neither gets nor sends. Mutable, and private to the functions of the core.
 */
export interface ClusterState {
  readonly settings: ClusterSettings;
  readonly newUuid: () => string;
  readonly timers: TimerQueue<Timer>;
  nowMs: number;
  /** Collected while an input is worked on, handed out in this order. */
  effects: Effect[];
  masterId: string;
  /** Set while the master "has not finished recovery": every request is answered 503. */
  recovering: boolean;
  nextFramework: number;
  nextOffer: number;
  readonly frameworks: Map<string, Framework>;
  /** Ids that are gone for good (torn down, or away too long), oldest first. */
  readonly completed: Set<string>;
  /** Open event streams and the framework each belongs to. */
  readonly streams: Map<string, string>;
  readonly offers: Map<string, OfferRecord>;
  readonly inverseOffers: Map<string, InverseOfferRecord>;
  readonly agents: Agent[];
  readonly agentsById: Map<string, Agent>;
  readonly runs: Map<string, Run>;
  /** Agents whose resources changed: looked at in the next prompt allocation. */
  readonly stirred: Set<Agent>;
  readonly updateFaults: {
    duplicate: boolean;
    delayMs: number;
    /** One update each to garble: the next of this task, or (null) of any. */
    readonly toGarble: (string | null)[];
  };
}

export interface ClusterSettings {
  /** The address the master says it has. */
  readonly host: string;
  readonly port: number;
  readonly heartbeatMs: number;
  /** Every so often all resources are looked at; also the shortest effect of a filter. */
  readonly allocationIntervalMs: number;
  /** Freed resources are offered after this pause, so that what is freed together is offered together. */
  readonly promptDelayMs: number;
  /** Between SIGTERM and SIGKILL of a kill without a policy. */
  readonly killGraceMs: number;
  /** The same when a framework is removed. */
  readonly shutdownGraceMs: number;
  /** An unacknowledged update is sent again after the first, doubling up to the second. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** After a master failover an agent that is not heard of for this long is unreachable. */
  readonly reregisterTimeoutMs: number;
  readonly maxCompletedFrameworks: number;
  /** An offer not answered for this long is rescinded; null: never, as is a master's default. */
  readonly offerTimeoutMs: number | null;
}

export const defaultSettings: Omit<ClusterSettings, 'host' | 'port'> = {
  heartbeatMs: 15_000,
  allocationIntervalMs: 1_000,
  promptDelayMs: 5,
  killGraceMs: 3_000,
  shutdownGraceMs: 5_000,
  retryMinMs: 10_000,
  retryMaxMs: 600_000,
  reregisterTimeoutMs: 600_000,
  maxCompletedFrameworks: 50,
  offerTimeoutMs: null,
};

export interface Framework {
  readonly id: string;
  info: FrameworkInfo;
  /** Null while no scheduler is connected. */
  streamId: string | null;
  readonly suppressed: Set<string>;
  readonly tasks: Map<string, MasterTask>;
  readonly unreachable: Map<string, MasterTask>;
  /** By `agent role`. */
  readonly filters: Map<string, OfferFilter[]>;
  /** Until when it wants no inverse offers of an agent, by the agent's id. */
  readonly inverseFilters: Map<string, number>;
  /** Offered and used, for fairness between frameworks. */
  cpuMillis: number;
  memMillis: number;
  /** When it is removed unless it comes back; null while connected, or when no clock runs (after a master failover). */
  removeAtMs: number | null;
}

export interface OfferFilter {
  readonly refused: Bag;
  readonly untilMs: number;
}

export interface OfferRecord {
  readonly id: string;
  readonly framework: Framework;
  readonly agent: Agent;
  readonly role: string;
  readonly bag: Bag;
}

/** The framework was asked to do without the agent, and has not answered. */
export interface InverseOfferRecord {
  readonly id: string;
  readonly framework: Framework;
  readonly agent: Agent;
}

/** A task as the master knows it. */
export interface MasterTask {
  readonly id: string;
  readonly framework: Framework;
  readonly agent: Agent;
  readonly role: string;
  readonly bag: Bag;
  /** The latest state the agent spoke of; ahead of `updateState` while updates wait for acknowledgements. */
  state: TaskState;
  /** The last update that went to the framework: what reconciliation answers with. */
  updateState: TaskState | null;
  updateUuid: string | null;
  containerStatus: ContainerStatus | null;
  healthy: boolean | null;
  freed: boolean;
}

export interface Agent {
  readonly index: number;
  readonly id: string;
  readonly hostname: string;
  readonly ip: string;
  readonly port: number;
  readonly total: Bag;
  readonly attributes: readonly Attribute[];
  /** Neither offered nor used, as the master counts. */
  free: Bag;
  /** Whether agent and master hear each other. */
  linked: boolean;
  /** The master's view. `recovered`: known from before a master failover and not heard of yet. */
  membership: 'registered' | 'recovered' | 'unreachable' | 'gone' | 'removed';
  unreachableAtMs: number;
  /** When the master gives it up; null while nothing speaks for that. */
  missAtMs: number | null;
  draining: boolean;
  /** When it is to be maintained; null: no such plan. */
  unavailability: Unavailability | null;
  /** The master's tasks here, by `taskKey`. */
  readonly tasks: Map<string, MasterTask>;
  readonly offers: Set<OfferRecord>;
  /** Kills to repeat when the agent registers again, by `taskKey`. */
  readonly kills: Map<string, CallKill>;
  /** The agent's own tasks, by `taskKey`. */
  readonly runs: Map<string, Run>;
}

/** A task as its agent holds it: the process, and the stream of updates about it. */
export interface Run {
  readonly containerId: string;
  readonly agent: Agent;
  readonly framework: FrameworkInfo;
  readonly frameworkId: string;
  readonly task: TaskInfo;
  readonly role: string;
  readonly bag: Bag;
  state: TaskState;
  containerStatus: ContainerStatus | null;
  /** Updates not yet acknowledged; the first is in flight. */
  readonly queue: TaskStatus[];
  /** The one of them that no client can read, as often as it is sent. */
  garbled: TaskStatus | null;
  resendAtMs: number;
  resendMs: number;
  /** Why it is being ended; decides what its exit is called. */
  ending: 'killed' | 'overtime' | 'drained' | 'shutdown' | null;
  forceAtMs: number;
}

export type Timer =
  | { readonly kind: 'heartbeat'; readonly streamId: string }
  | { readonly kind: 'allocate' }
  | { readonly kind: 'allocate.stirred' }
  | { readonly kind: 'resend' | 'force' | 'overtime'; readonly containerId: string }
  | { readonly kind: 'failover'; readonly frameworkId: string }
  | { readonly kind: 'offer.timeout'; readonly offerId: string }
  | { readonly kind: 'deliver'; readonly effect: SendEffect }
  | { readonly kind: 'master.recovered' }
  | { readonly kind: 'agent.lost' | 'agent.back'; readonly index: number };

/** Something goes out: an event, or an UPDATE of this status but in a state that no version of the protocol has. */
export type SendEffect =
  | { readonly kind: 'event'; readonly streamId: string; readonly event: Event }
  | { readonly kind: 'update.garbled'; readonly streamId: string; readonly status: TaskStatus };

/** What the shell has to do. In order. */
export type Effect =
  | SendEffect
  /** Ends a stream: in good order, or as if the connection broke. */
  | { readonly kind: 'end'; readonly streamId: string; readonly abrupt: boolean }
  | {
      readonly kind: 'launch';
      readonly containerId: string;
      readonly agentIndex: number;
      readonly frameworkId: string;
      readonly task: TaskInfo;
    }
  /** Ask the process to end (SIGTERM, `docker stop`), or make it (SIGKILL, `docker kill`). */
  | { readonly kind: 'stop'; readonly containerId: string; readonly graceMs: number }
  | { readonly kind: 'force'; readonly containerId: string }
  /** What must survive a restart has changed: write `snapshot()` before going on. */
  | { readonly kind: 'save' };

/** What an executor has to say about a container. */
export type ExecutorReport =
  | { readonly kind: 'running'; readonly pid: number | null }
  /** It ended: with an exit status, or by a signal (`SIGTERM`, …). */
  | { readonly kind: 'exited'; readonly what: 'Command' | 'Container'; readonly exit: number | NodeJS.Signals }
  /** It never ran. */
  | { readonly kind: 'failed'; readonly message: string; readonly reason: TaskStatusReason };

const endStates: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
]);

export function isEnd(state: TaskState): boolean {
  return endStates.has(state);
}

export function taskKey(frameworkId: string, taskId: string): string {
  return `${frameworkId} ${taskId}`;
}

export function sendEvent(state: ClusterState, framework: Framework, event: Event): void {
  if (framework.streamId !== null) state.effects.push({ kind: 'event', streamId: framework.streamId, event });
}

/** A status made by the master: no uuid, not to be acknowledged. */
export function sendMasterStatus(state: ClusterState, framework: Framework, status: Omit<TaskStatus, 'source'>): void {
  const { task_id, state: taskState, message, ...rest } = status;
  sendEvent(state, framework, {
    type: 'UPDATE',
    update: {
      status: {
        task_id,
        state: taskState,
        ...(message === undefined ? {} : { message }),
        source: 'SOURCE_MASTER',
        timestamp: state.nowMs / 1000,
        ...rest,
      },
    },
  });
}
