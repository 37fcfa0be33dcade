import type { State } from './state.ts';
import type { Task } from './task.ts';
import { add } from './matching/amounts.ts';
import { placeOf, type AgentFacts } from './matching/constraint.ts';

/** What live attempts take, kept at their tenant, their agent and their group's place. */
export function enterAgent(state: State, task: Task, agent: AgentFacts & { readonly agentId: string }): void {
  const { group } = task.shape;
  enter(state, task, agent.agentId, group === null ? null : placeOf(agent, group.spec.by));
}

export function enter(state: State, task: Task, agentId: string, groupPlace: string | null): void {
  const { tenant, shape } = task;
  add(tenant.used, shape.needs);
  tenant.running += 1;
  state.agents.entered(agentId, shape.needs);
  if (shape.group !== null && groupPlace !== null) state.groups.enter(shape.group, groupPlace);
}

export function leave(state: State, task: Task, agentId: string, groupPlace: string | null): void {
  const { tenant, shape } = task;
  add(tenant.used, shape.needs, -1);
  tenant.running -= 1;
  state.agents.left(agentId, shape.needs);
  if (shape.group !== null && groupPlace !== null) state.groups.leave(shape.group, groupPlace);
}
