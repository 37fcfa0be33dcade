import type { PreemptionRule } from '../policy.ts';
import type { State } from '../state.ts';
import type { Task } from '../task.ts';
import type { Tenant } from '../tenant.ts';
import { add, dominantShare, holds, nothing, type Amounts } from './amounts.ts';
import type { KnownAgent } from './agent-book.ts';
import { shareOf, shareWith } from './fair-share.ts';
import type { Shape } from './shape.ts';

/** A task that may be stopped, and what share its tenant has with it and all that its tenant would rather keep. */
export interface Victim {
  readonly task: Task;
  readonly share: number;
}

/**
 * Whose tasks may be stopped for others, by Cook's rule: those that take a tenant beyond its fair share. Of its tasks these
 * are the ones of the lowest priority, and of those the youngest, which have done the least.
 */
export class Victims {
  readonly #state: State;
  readonly #rule: PreemptionRule;
  /** The share, by weight, that each tenant would have if all that want something had the same. */
  readonly #fairShare: number;
  /** Tasks within it are kept. */
  readonly #safeShare: number;
  readonly #byAgent = new Map<string, Victim[]>();
  /** What the tasks take that have been stopped already and are not gone yet. */
  readonly #leaving = new Map<string, Amounts>();

  constructor(state: State, rule: PreemptionRule) {
    this.#state = state;
    this.#rule = rule;
    let weights = 0;
    for (const { limits, running, queue } of state.tenants.all()) {
      if (running + queue.size > 0) weights += limits.weight;
    }
    this.#fairShare = weights === 0 ? 1 : 1 / weights;
    this.#safeShare = rule.safeShare * this.#fairShare;
    for (const { live, shape } of state.attempts.values())
      if (live?.preempted === true) this.#expect(live.agentId, shape);
    for (const [tenant, tasks] of this.#tasksOfRich()) this.#addVictims(tenant, tasks);
    for (const victims of this.#byAgent.values())
      victims.sort((a, b) => b.share - a.share || (isBefore(a, b) ? -1 : 1));
  }

  /**
   * Those to stop on an agent so that it has room for a task, beside what is free there; null: stopping does not help, or
   * is not right. Empty: the room is there, or is about to be.
   */
  on(agent: KnownAgent, task: Task, free: Readonly<Amounts>): readonly Victim[] | null {
    const { tenant, shape } = task;
    const room = { ...free };
    add(room, this.#leaving.get(agent.agentId) ?? nothing());
    const most = shareWith(this.#state, task) + this.#rule.minDifference * this.#fairShare;
    const chosen: Victim[] = [];
    for (const victim of this.#byAgent.get(agent.agentId) ?? []) {
      if (holds(room, shape.needs) || chosen.length === this.#rule.most) break;
      if (victim.task.tenant === tenant || victim.share < most) continue;
      chosen.push(victim);
      add(room, victim.task.shape.needs);
    }
    return holds(room, shape.needs) ? this.#needed(chosen, room, shape) : null;
  }

  /** What a large one makes room for, smaller ones need not: those of the smallest share are spared first. */
  #needed(chosen: readonly Victim[], room: Amounts, shape: Shape): readonly Victim[] {
    const needed = [...chosen];
    for (const victim of chosen.toReversed()) {
      add(room, victim.task.shape.needs, -1);
      if (holds(room, shape.needs)) needed.splice(needed.indexOf(victim), 1);
      else add(room, victim.task.shape.needs);
    }
    return needed;
  }

  #expect(agentId: string, { needs }: Shape): void {
    const leaving = this.#leaving.get(agentId) ?? nothing();
    add(leaving, needs);
    this.#leaving.set(agentId, leaving);
  }

  #tasksOfRich(): Map<Tenant, Task[]> {
    const tasks = new Map<Tenant, Task[]>();
    for (const tenant of this.#state.tenants.all()) {
      if (shareOf(this.#state, tenant) > this.#safeShare) tasks.set(tenant, []);
    }
    if (tasks.size > 0) for (const task of this.#state.attempts.values()) tasks.get(task.tenant)?.push(task);
    return tasks;
  }

  /** The last of a tenant's tasks has its whole share; the one before, the share without the last; and so on. */
  #addVictims(tenant: Tenant, tasks: Task[]): void {
    const { agents } = this.#state;
    const kept = { ...tenant.used };
    tasks.sort((a, b) => a.priority - b.priority || launchedMs(b) - launchedMs(a) || (a.taskId > b.taskId ? -1 : 1));
    for (const task of tasks) {
      const share = dominantShare(kept, agents.total) / tenant.limits.weight;
      if (share <= this.#safeShare) return;
      add(kept, task.shape.needs, -1);
      if (!mayBeStopped(task)) continue;
      const agentId = task.live?.agentId ?? '';
      const there = this.#byAgent.get(agentId) ?? [];
      there.push({ task, share });
      this.#byAgent.set(agentId, there);
    }
  }
}

/** Not one that is on its way out, or of which nobody knows how it is. */
function mayBeStopped({ live, killWanted }: Task): boolean {
  if (live === null || killWanted || live.preempted || live.quarantined || live.hearsay !== null) return false;
  return live.settled && live.state !== 'unreachable' && live.lostSinceMs === 0;
}

function launchedMs({ live }: Task): number {
  return live?.launchedAtMs ?? 0;
}

function isBefore(a: Victim, b: Victim): boolean {
  return a.task.taskId < b.task.taskId;
}
