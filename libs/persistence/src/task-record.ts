import type { RefusedItem, TaskId, TaskSpec, TaskState } from '@juice/contracts';

/**
 * A document of `tasks`, as it is stored and as the api reads it. Counters and statuses are numbers, instants are Dates,
 * `_id` is a 64-bit integer. `spec.env` may hold secrets: never log one.
 */
export interface TaskRecord {
  readonly _id: TaskId;
  readonly tenantId: string;
  readonly taskName: string;
  readonly spec: TaskSpec;
  readonly status: TaskState;
  readonly message: string;
  readonly reason: string | null;
  /** Grows by one with every visible transition; 0 on insert. The guard of every write. */
  readonly seq: number;
  /** Attempts launched so far. */
  readonly attempt: number;
  readonly attempts: readonly AttemptRecord[];
  /** The last 50 transitions, oldest first. */
  readonly history: readonly HistoryRecord[];
  readonly killRequestedAt?: Date;
  /** As killRequestedAt, but only until the task has ended: what the sweep's index holds. */
  readonly killPendingAt?: Date;
  /** Of the scheduler that wrote last; 0 on insert. */
  readonly epoch: number;
  /** Stamp of the last frame that wrote; absent when the api wrote last. */
  readonly frame?: string;
  readonly countedFailures: number;
  readonly freeFailures: number;
  readonly notBefore?: Date;
  readonly submitAt: Date;
  /** When the latest attempt was launched. */
  readonly launchedAt?: Date;
  /** When the first attempt that ran began to run. */
  readonly startedAt?: Date;
  readonly finishAt?: Date;
  readonly expireAt: Date;
  readonly traceparent?: string;
  /** The task that this one repeats. */
  readonly rerunOf?: TaskId;
  /** The key of the request that submitted it, while it is kept; unique. */
  readonly idem?: string;
  readonly idemHash?: string;
  readonly idemAt?: Date;
  /** Of the first task of a batch: what else the request was answered. */
  readonly idemRefused?: readonly RefusedItem[];
  /** Events that the event log or the bus does not have yet. */
  readonly outbox: readonly OutboxRecord[];
  /** When an event was last put into the outbox; absent when it is empty. */
  readonly outboxAt?: Date;
  /** Present when the task has a callback URL. */
  readonly callback?: CallbackLane;
  /** When a state was last delivered with a 2xx. */
  readonly callbackAt?: Date;
  /** The document is removed at this instant. */
  readonly purgeAt?: Date;
}

export interface AttemptRecord {
  /** 1, 2, …: always the place in `attempts` plus one. */
  readonly n: number;
  readonly mesosTaskId: string;
  readonly frameworkId: string;
  readonly agentId: string;
  readonly agentHost: string;
  readonly agentPort: number | null;
  readonly launchedAt: Date;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  /** launching, running, unreachable, or Mesos' name of the state it ended with. */
  readonly state: string;
  readonly reason?: string | null;
  readonly message?: string;
  readonly exitCode?: number | null;
  /** The failure was the cluster's. */
  readonly free?: boolean;
  /** The place its group counts it at; absent in attempts made before there were groups. */
  readonly groupPlace?: string | null;
  /** It was killed by us to make room. */
  readonly preempted?: boolean;
  /** An update of it could not be read, and is in quarantine. */
  readonly quarantined?: boolean;
}

export interface HistoryRecord {
  readonly seq: number;
  readonly status: TaskState;
  readonly at: Date;
  readonly attempt: number;
  readonly message: string;
  readonly reason: string | null;
}

export interface OutboxRecord extends HistoryRecord {
  readonly callback: boolean;
}

export interface PendingRecord extends HistoryRecord {
  readonly exitCode: number | null;
}

/**
 * The delivery lane of a task. The scheduler appends to `pending` and lowers `dueAt`, nothing else; the rest is the
 * worker's, under its lease. Where `dueAt` or `aside` is set, `pending` is not empty.
 */
export interface CallbackLane {
  readonly url: string;
  readonly events: 'all' | 'terminal';
  /**
   * `idle`: left so when nothing was pending; `pending`: to be tried (again); `leased`: a worker is at it; `held`: its endpoint
   * takes nothing for now; `dead`: given up, until it is revived or its task has a new state.
   */
  readonly state: 'idle' | 'pending' | 'leased' | 'held' | 'dead';
  /** States still to deliver, in the order of seq. */
  readonly pending: readonly PendingRecord[];
  readonly dueAt?: Date;
  /** Backoff: no attempt before this instant. */
  readonly notBefore?: Date;
  /** The try under way: whose it is, since when, and until when it keeps others out. */
  readonly lease?: { readonly token: string; readonly until: Date; readonly since?: Date; readonly by?: string };
  /** Tries of the oldest pending state so far. */
  readonly attempt: number;
  /** Why the last try failed, or why the lane is held or dead: see `causeOf`. */
  readonly cause?: string;
  /** Why no worker takes the lane by itself: it waits for its endpoint, or is dead. See lane-keys.ts. */
  readonly aside?: string;
  readonly asideAt?: Date;
  /** Of a dead lane: those that share its trouble. See `fingerprintOf`. */
  readonly group?: string;
  /** The replay that has armed it again last, and what came of that. See `replayMark`. */
  readonly replay?: string;
  /** How many more tries the oldest pending state has, after the one that failed last. */
  readonly triesLeft?: number;
  /** When the lane was last revived, unless all was delivered since. */
  readonly revivedAt?: Date;
  /** Token of the lease under which the lane was last left idle. */
  readonly settledBy?: string;
  /** How many states were overtaken by newer ones and never delivered. */
  readonly superseded?: number;
  /** Their seqs, the last 50. */
  readonly supersededSeqs?: readonly number[];
}
