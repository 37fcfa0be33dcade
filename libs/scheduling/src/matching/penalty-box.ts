/**
 * Suspicion against one agent: a machine on which tasks fail as soon as they start draws ever more of them, for it always
 * has room. Each quick failure is a point, points halve every five minutes, and a task that lasts clears the agent.
 *
 * A tenant whose every task fails must not empty the cluster: failures of the tasks' own doing count once for each
 * tenant, and it takes those of three tenants; failures at the launch are the machine's sooner, and count each.
 */
export class PenaltyBox {
  #points = 0;
  #atMs = 0;
  /** Tenants whose tasks failed here by themselves since the last task that lasted. */
  readonly #tenants = new Set<string>();

  failedQuickly(tenantId: string, atLaunch: boolean, atMs: number): void {
    if (!atLaunch && this.#tenants.has(tenantId)) return;
    if (!atLaunch) this.#tenants.add(tenantId);
    this.#points = this.#decayed(atMs) + 1;
    this.#atMs = atMs;
  }

  lasted(): void {
    this.#points = 0;
    this.#tenants.clear();
  }

  isIn(atMs: number): boolean {
    return this.#points >= pointsToEnter && this.#decayed(atMs) >= pointsToLeave;
  }

  #decayed(atMs: number): number {
    return this.#points * 2 ** (-Math.max(0, atMs - this.#atMs) / halfLifeMs);
  }
}

/** Three in a row are no accident any more. */
const pointsToEnter = 2.1;
/** After about five minutes one more try is due: if that fails as well, the points are back. */
const pointsToLeave = 1.25;
const halfLifeMs = 300_000;
