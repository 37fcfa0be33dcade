/** The numbers the core decides by; all durations in ms. */
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
  /** How long an attempt may be UNREACHABLE or UNKNOWN before it is given up. */
  readonly lostAfterMs: number;
  /** How long after its time limit a running attempt is killed by us, if the agent has not done so. */
  readonly overrunMarginMs: number;
  /** Launches decided in one frame: bounds its write and its calls. */
  readonly launchesPerFrame: number;
  /** Tasks in one RECONCILE call. */
  readonly reconcileBatch: number;
  /** Pause between two implicit reconciliations. */
  readonly reconcileEveryMs: number;
  /** Failures of the cluster's that cost a task nothing; further ones count against its own budget. */
  readonly freeFailures: number;
  /** Pause before attempt n+1: first, doubled each time, at most. */
  readonly retryPauseMs: number;
  readonly retryPauseMostMs: number;
}

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
  lostAfterMs: 900_000,
  // An agent stops an overdue task at once; beyond half a minute its word is not on its way, it is not coming.
  overrunMarginMs: 30_000,
  launchesPerFrame: 1_000,
  reconcileBatch: 500,
  reconcileEveryMs: 900_000,
  freeFailures: 5,
  retryPauseMs: 1_000,
  retryPauseMostMs: 60_000,
};
