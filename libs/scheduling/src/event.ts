import type { LaunchStops, LiveTask, TaskId } from '@juice/contracts';
import type { AgentAttribute } from './matching/constraint.ts';
import type { PortRange } from './matching/room.ts';
import type { TenantLimits } from './tenant.ts';

/**
 * Everything the core can learn. Each event carries `atMs`, the shell's clock when it arrived: the core has none of its
 * own. Events are never changed by the core.
 */
export type Event =
  /** The master accepted our subscription; all earlier offers are void and unanswered calls of older streams are settled. */
  | { readonly kind: 'cluster.subscribed'; readonly atMs: number; readonly frameworkId: string }
  /** The subscription ended; calls cannot be made until the next one. */
  | { readonly kind: 'cluster.disconnected'; readonly atMs: number }
  /** The master has removed our framework: every live attempt is dead. */
  | { readonly kind: 'framework.removed'; readonly atMs: number }
  /** Every task that had not ended was loaded: from now on offers are matched and the cluster is asked what it knows. */
  | { readonly kind: 'takeover.completed'; readonly atMs: number }
  | { readonly kind: 'offers.received'; readonly atMs: number; readonly offers: readonly Offer[] }
  | { readonly kind: 'offer.rescinded'; readonly atMs: number; readonly offerId: string }
  /** The operators want an agent's machine for a while and ask whether we can do without it. */
  | {
      readonly kind: 'inverse.offered';
      readonly atMs: number;
      readonly inverseOfferId: string;
      /** null: the machine is told by its resources alone, which we do not follow. */
      readonly agentId: string | null;
    }
  | { readonly kind: 'status.received'; readonly atMs: number; readonly status: ObservedStatus }
  /**
   * An update could not be read, or the core threw over it in an earlier term, and it is in quarantine. What it said is
   * not known; without a uuid there is nothing to acknowledge.
   */
  | {
      readonly kind: 'update.quarantined';
      readonly atMs: number;
      readonly mesosTaskId: string;
      readonly agentId: string | null;
      readonly uuid: string | null;
    }
  /** The store was asked for an attempt that the core does not know (`Commands.identify`): it is one of ours, and over. */
  | {
      readonly kind: 'attempt.identified';
      readonly atMs: number;
      readonly mesosTaskId: string;
      readonly agentId: string | null;
    }
  | { readonly kind: 'agent.failed'; readonly atMs: number; readonly agentId: string }
  /**
   * A task as MongoDB has it: newly submitted, found by a sweep, its kill requested, or taken over. The reading may be
   * older than what the core knows.
   */
  | { readonly kind: 'task.loaded'; readonly atMs: number; readonly taskId: TaskId; readonly live: LiveTask | null }
  /** A guarded write missed: what MongoDB has replaces what the core believed. `live` is null when the task has ended. */
  | { readonly kind: 'task.conflicted'; readonly atMs: number; readonly taskId: TaskId; readonly live: LiveTask | null }
  /** What is set for these tenants; null: the operator's defaults. */
  | {
      readonly kind: 'tenants.configured';
      readonly atMs: number;
      readonly tenants: readonly { readonly tenantId: string; readonly limits: TenantLimits | null }[];
    }
  /** What the operator has stopped, all of it. */
  | { readonly kind: 'launching.switched'; readonly atMs: number; readonly stops: LaunchStops }
  /** Somebody asks for the cluster's word on these tasks. */
  | { readonly kind: 'reconcile.requested'; readonly atMs: number; readonly taskIds: readonly TaskId[] }
  /** The ACCEPT of these attempts was answered, or never will be. `refused`: the master took none of them. */
  | {
      readonly kind: 'accept.answered';
      readonly atMs: number;
      readonly mesosTaskIds: readonly string[];
      readonly answer: 'accepted' | 'refused' | 'unknown';
      readonly detail: string;
    }
  /** `backlog`: events that have arrived and wait for a later frame; likewise below. */
  | { readonly kind: 'clock.ticked'; readonly atMs: number; readonly backlog: number }
  /** All events of this frame were decided: match what waits with what is offered. */
  | { readonly kind: 'frame.closing'; readonly atMs: number; readonly backlog: number };

/** An offer in the integers the core calculates with; scalars are rounded down. */
export interface Offer {
  readonly offerId: string;
  readonly agentId: string;
  /** Whose share of the cluster it comes out of; "*" where there are no roles. */
  readonly role: string;
  readonly hostname: string;
  readonly agentPort: number | null;
  readonly cpuMillis: number;
  readonly memMb: number;
  readonly diskMb: number;
  readonly gpus: number;
  /** How many host ports are offered, and which. */
  readonly ports: number;
  readonly portRanges: readonly PortRange[];
  readonly attributes: readonly AgentAttribute[];
  /** When the operators will take the agent away, if they have said so. */
  readonly unavailability: { readonly fromMs: number; readonly untilMs: number } | null;
}

export type MesosState =
  | 'TASK_STAGING'
  | 'TASK_STARTING'
  | 'TASK_RUNNING'
  | 'TASK_KILLING'
  | 'TASK_FINISHED'
  | 'TASK_FAILED'
  | 'TASK_KILLED'
  | 'TASK_ERROR'
  | 'TASK_LOST'
  | 'TASK_DROPPED'
  | 'TASK_UNREACHABLE'
  | 'TASK_GONE'
  | 'TASK_GONE_BY_OPERATOR'
  | 'TASK_UNKNOWN';

/** What the cluster said of one attempt. */
export interface ObservedStatus {
  readonly mesosTaskId: string;
  readonly state: MesosState;
  readonly message: string;
  /** Mesos' reason without `REASON_`; null when it gave none. */
  readonly reason: string | null;
  readonly agentId: string | null;
  /** Base64; present: to be acknowledged once stored. */
  readonly uuid: string | null;
  /** False: its health check killed it. */
  readonly healthy: boolean;
}
