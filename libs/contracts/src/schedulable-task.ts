import type { ConstraintSpec, GroupSpec } from './placement-spec.ts';
import type { TaskId } from './task-id.ts';

/** Resources in the integers the scheduler calculates with: Mesos compares scalars at three decimals. */
export interface ResourceNeeds {
  readonly cpuMillis: number;
  readonly memMb: number;
  readonly diskMb: number;
  readonly gpus: number;
  /** How many host ports, those among them that are named included. */
  readonly ports: number;
  readonly hostPorts: readonly number[];
}

/** What the scheduler's queue keeps of a waiting task; the full spec is read from MongoDB when an attempt is launched. */
export interface SchedulableTask {
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly taskName: string;
  /** The task's `seq` as last written: the guard of the next write. */
  readonly seq: number;
  /** Attempts made so far; 0 for a new task. */
  readonly attempt: number;
  /** Of these, failures of the task's own (they use up `retry`), and of the cluster's (free, but capped). */
  readonly countedFailures: number;
  readonly freeFailures: number;
  readonly retry: number;
  readonly priority: number;
  readonly needs: ResourceNeeds;
  readonly constraints: readonly ConstraintSpec[];
  readonly group: GroupSpec | null;
  /** Only offers of this role are for it; "*": those of any. */
  readonly role: string;
  readonly callback: 'none' | 'all' | 'terminal';
  readonly submittedAtMs: number;
  readonly expireAtMs: number;
  /** Wall time of an attempt, from RUNNING on; 0: no limit. */
  readonly maxRunMs: number;
  /**
   * How long an attempt whose agent is out of reach is waited for before another may start; 0: for ever, null: as long as
   * the scheduler does by itself.
   */
  readonly lostAfterMs: number | null;
  /** Not to be launched before this instant (backoff between attempts); 0: at once. */
  readonly notBeforeMs: number;
  /** Where its last attempt failed: the next one goes elsewhere if it can; null: nowhere yet. */
  readonly avoidHost: string | null;
  readonly killRequested: boolean;
}

/** A task's present attempt as stored. */
export interface LiveAttempt {
  readonly mesosTaskId: string;
  readonly frameworkId: string;
  readonly agentId: string;
  readonly agentHost: string;
  readonly launchedAtMs: number;
  /** NaN-free: 0 while it has not run. */
  readonly startedAtMs: number;
  readonly state: 'launching' | 'running' | 'unreachable';
  /** The place its group counts it at; null without a group. */
  readonly groupPlace: string | null;
  /** Killed by us to make room for another tenant's task; a failure at no cost. */
  readonly preempted: boolean;
  /** An update of it could not be read, and is in quarantine: should the cluster lose it, nobody knows how it ended. */
  readonly quarantined: boolean;
}

/** A task that has not ended, as the scheduler loads it: waiting when `live` is null. */
export interface LiveTask {
  readonly task: SchedulableTask;
  readonly live: LiveAttempt | null;
}
