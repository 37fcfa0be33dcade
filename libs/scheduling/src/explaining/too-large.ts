import { resourceNames, type ResourceName } from '../matching/amounts.ts';
import type { State } from '../state.ts';
import type { Task } from '../task.ts';
import { couldEverHold } from './obstacles.ts';

const words: Readonly<Record<ResourceName, (amount: number) => string>> = {
  cpuMillis: (amount) => `${amount / 1000} CPUs`,
  memMb: (amount) => `${amount} MB of memory`,
  diskMb: (amount) => `${amount} MB of disk`,
  gpus: (amount) => `${amount} GPUs`,
  ports: (amount) => `${amount} ports`,
};

/**
 * Why a task fits no agent that has been seen, were it empty; null: it fits one, or none has been seen. A larger agent may
 * come yet, so this ends no task.
 */
export function noMatterHowEmpty({ agents }: State, task: Task): string | null {
  if (agents.size === 0) return null;
  const { constraints, needs } = task.shape;
  let allowed = 0;
  const most = { cpuMillis: 0, memMb: 0, diskMb: 0, gpus: 0, ports: 0 };
  for (const agent of agents.all()) {
    if (couldEverHold(agent, task)) return null;
    if (!constraints.every((constraint) => constraint.allows(agent))) continue;
    allowed += 1;
    for (const name of resourceNames) most[name] = Math.max(most[name], agent.capacity[name]);
  }
  if (allowed === 0) {
    const fields = constraints.map(({ spec }) => spec.field).join(', ');
    return `none of the ${agents.size} agents seen fulfils its constraints (${fields})`;
  }
  const name = resourceNames.find((one) => needs[one] > most[one]);
  return name === undefined
    ? 'no agent has been seen that has enough of everything it asks for at once'
    : `no agent is large enough: it asks for ${words[name](needs[name])}, and the largest that it may run on has ${words[name](most[name])}`;
}
