import type { AgentAttribute } from './matching/constraint.ts';
import type { Strategy } from './matching/sight.ts';
import { noLimits, type TenantLimits } from './tenant.ts';

/** What the core decides by; all durations in ms. */
export interface Policy {
  /** How long an offer that nothing fits is kept for tasks about to arrive, before it is declined. */
  readonly offerHoldMs: number;
  /** The filter of a decline while tasks wait that do not fit, and while nothing waits. Seconds, as Mesos has them. */
  readonly busyRefuseSeconds: number;
  readonly idleRefuseSeconds: number;
  /** Least time between two REVIVE calls: it lifts every filter at the master. */
  readonly reviveIntervalMs: number;
  /** A launch without news for this long is reconciled (never simply repeated). */
  readonly launchNewsMs: number;
  /** First and longest pause before an unanswered kill or reconciliation is asked again. */
  readonly askAgainMs: number;
  readonly askAgainMostMs: number;
  /** How long an end that the master alone has told waits for the agent's own word, which says more. */
  readonly hearsayMs: number;
  /** How long an attempt may be UNREACHABLE or UNKNOWN before it is given up. */
  readonly lostAfterMs: number;
  /** How long after its time limit a running attempt is killed by us, if the agent has not done so. */
  readonly overrunMarginMs: number;
  /** Launches decided in one frame: bounds its write and its calls. */
  readonly launchesPerFrame: number;
  /** Launches a second over a longer time, and how many may come at once: the master has no such limit for us. */
  readonly launchesPerSecond: number;
  readonly launchBurst: number;
  /** With more events than this waiting, nothing is launched and nobody is asked: updates come first. */
  readonly backlogMost: number;
  /** Tasks in one RECONCILE call; one such call a tick. */
  readonly reconcileBatch: number;
  /** Pause between two explicit reconciliations of all, and between two implicit ones, which lie between those. */
  readonly reconcileEveryMs: number;
  /** An offer of an agent that will be taken away sooner than this is not used. */
  readonly maintenanceMarginMs: number;
  /** How long after its pause a failed task waits for another host than the one that failed it, if one could hold it. */
  readonly avoidHostMs: number;
  /** How agents are filled. */
  readonly strategy: Strategy;
  /** The part of each agent that is left alone, 0 to 1. */
  readonly keepBackShare: number;
  /** Whether an agent with these attributes is used at all. */
  readonly wantsAgent: (attributes: readonly AgentAttribute[]) => boolean;
  /** What holds for a tenant for which nothing is set. */
  readonly tenantLimits: TenantLimits;
  /** Shapes that may find no room in one cycle; the others are looked at in the next. */
  readonly missesPerCycle: number;
  /**
   * When the first task of a tenant has found no room for this long, an agent is kept for it, for so long, and then perhaps
   * again; no more than this share of the cluster at once, or one agent.
   */
  readonly reserveAfterMs: number;
  readonly reserveMs: number;
  readonly reserveShare: number;
  /** Whether running tasks are stopped for waiting ones; null: they are not. */
  readonly preemption: PreemptionRule | null;
  /** A task that fails sooner than this after its launch speaks against its agent. */
  readonly quickFailureMs: number;
  /**
   * Failures that cost a task nothing; further ones count against its own budget. Fewer are free where the cluster could
   * not start the task, which may be the task's doing (its image, its URIs).
   */
  readonly freeFailures: number;
  readonly freeLaunchFailures: number;
  /** Pause before attempt n+1: first, doubled each time, at most. */
  readonly retryPauseMs: number;
  readonly retryPauseMostMs: number;
}

/** When tasks of tenants that have more than their fair share are stopped for those of tenants that have less. */
export interface PreemptionRule {
  /** For so long the task waits that is next in its tenant's line and finds no room. */
  readonly afterMs: number;
  /** Tasks that a tenant has within this much of its fair share are never stopped: 1 is all of it. */
  readonly safeShare: number;
  /** How far apart the two shares must be, with the one task started and the other still there, in fair shares. */
  readonly minDifference: number;
  /** Tasks stopped at a time, for one that waits. */
  readonly most: number;
}

/** For operators who want preemption and say no more of it. */
export const usualPreemption: PreemptionRule = {
  // Most one-shot tasks end sooner, and then nobody need be stopped.
  afterMs: 120_000,
  safeShare: 1,
  // Without a distance two tenants would take turns at stopping each other's tasks.
  minDifference: 0.5,
  most: 32,
};

export const defaultPolicy: Policy = {
  // Long enough to bridge a tenant's pause between submissions, short enough not to starve other frameworks.
  offerHoldMs: 2_000,
  busyRefuseSeconds: 5,
  idleRefuseSeconds: 120,
  reviveIntervalMs: 1_000,
  // Mesos' executor registration time-out is a minute, image pulls included: beyond three something is amiss.
  launchNewsMs: 180_000,
  askAgainMs: 10_000,
  // A master that has just failed over may stay silent until its agents are back: ten minutes at most.
  askAgainMostMs: 300_000,
  // An agent sends its updates when it is back, and one not acknowledged again after ten seconds.
  hearsayMs: 15_000,
  lostAfterMs: 900_000,
  // An agent stops an overdue task at once; beyond half a minute its word is not on its way, it is not coming.
  overrunMarginMs: 30_000,
  launchesPerFrame: 1_000,
  // Five times what Aurora allowed itself; what a master takes in was never the limit, but floods of small jobs have hurt some.
  launchesPerSecond: 1_000,
  launchBurst: 2_000,
  backlogMost: 10_000,
  reconcileBatch: 1_000,
  reconcileEveryMs: 900_000,
  strategy: 'pack',
  keepBackShare: 0,
  wantsAgent: () => true,
  tenantLimits: noLimits,
  missesPerCycle: 20_000,
  reserveAfterMs: 5_000,
  reserveMs: 30_000,
  reserveShare: 0.1,
  preemption: null,
  quickFailureMs: 10_000,
  // Most one-shot tasks are over by then.
  maintenanceMarginMs: 1_800_000,
  // A few allocations of the master's: an agent that has room is offered by then.
  avoidHostMs: 15_000,
  // With the pauses between them a quarter of an hour: longer than a failed-over master waits for its agents.
  freeFailures: 20,
  freeLaunchFailures: 3,
  retryPauseMs: 1_000,
  retryPauseMostMs: 60_000,
};
