import type { AgentObstacle } from '@juice/contracts';
import type { Amounts } from '../matching/amounts.ts';
import type { State } from '../state.ts';
import type { Task } from '../task.ts';
import { noMatterHowEmpty } from './too-large.ts';

/** In one sentence what would let a waiting task run: what lasts longest first. */
export function summarise(
  state: State,
  task: Task,
  facts: {
    readonly atMs: number;
    readonly obstacles: readonly AgentObstacle[];
    readonly possible: number;
    readonly free: number;
    readonly limitedBy: 'cpus' | 'mem' | 'gpus' | 'running' | 'pace' | null;
    readonly reservedHost: string | null;
  },
): string {
  const { cluster, agents, launchStops } = state;
  if (launchStops.all !== null) return `launching is stopped: ${launchStops.all}`;
  const stop = launchStops.roles.get(task.shape.role);
  if (stop !== undefined) return stopWords([task.shape.role, stop]);
  const { obstacles, possible, free, limitedBy, reservedHost, atMs } = facts;
  if (!cluster.subscribed) return 'the scheduler is not connected to a Mesos master';
  if (task.waits === 'pausing') {
    const seconds = Math.max(1, Math.ceil((task.notBeforeMs - atMs) / 1000));
    return `its last attempt failed: the next one follows in ${seconds} s`;
  }
  if (agents.size === 0) return 'no agent has been offered yet';
  const tooLarge = noMatterHowEmpty(state, task);
  if (tooLarge !== null) return tooLarge;
  if (limitedBy !== null) return limitSentence(task, limitedBy);
  if (reservedHost !== null) return `${reservedHost} is kept for it until it has room enough${stoppedFor(state, task)}`;
  if (free > 0) return 'there is room for it: it is launched when those ahead of it are';
  const passing = obstacles.filter(isPassing).map(words).join(', ');
  const stops = task.shape.role === '*' ? [...launchStops.roles].map(stopWords) : [];
  return [`none of the ${count(possible, 'agent')} that could hold it takes it now: ${passing}`, ...stops].join('; ');
}

function stopWords([role, reason]: readonly [string, string]): string {
  return `launching on offers of the role ${role} is stopped: ${reason}`;
}

function stoppedFor({ attempts, reservations }: State, { taskId }: Task): string {
  const agentId = reservations.agentFor(taskId);
  let stopped = 0;
  for (const { live } of attempts.values()) if (live?.preempted === true && live.agentId === agentId) stopped += 1;
  return stopped === 0
    ? ''
    : `; ${count(stopped, 'task')} of tenants with more than their share ${stopped === 1 ? 'is' : 'are'} being stopped there`;
}

/** What another offer, or the end of a task, may change. */
function isPassing({ why }: AgentObstacle): boolean {
  return why !== 'constraint' && why !== 'too small';
}

function words({ why, of, agents, shortBy }: AgentObstacle): string {
  const here = count(agents, 'agent');
  switch (why) {
    case 'constraint':
      return `${here} outside its constraint on ${of ?? ''}`;
    case 'maintenance':
      return `${here} about to be maintained`;
    case 'penalty':
      return `${here} left out, for tasks failed there at once`;
    case 'reserved':
      return `${here} kept for another task`;
    case 'group':
      return `${here} ruled out by its group ${of ?? ''}`;
    case 'too small':
      return `${here} too small (${of ?? ''})`;
    case 'role':
      return `${here} without an offer of the role ${of ?? ''}`;
    case 'host port':
      return `${here} without its host port`;
    case 'not offered':
      return `${here} with nothing offered now`;
    case 'cpus':
    case 'mem':
    case 'disk':
    case 'gpus':
    case 'ports':
      return `${here} short of ${why} by ${shortBy ?? 0} or more`;
    default:
      return why satisfies never;
  }
}

function limitSentence({ tenant, shape }: Task, by: 'cpus' | 'mem' | 'gpus' | 'running' | 'pace'): string {
  const { limits, used, running } = tenant;
  const needs: Readonly<Amounts> = shape.needs;
  switch (by) {
    case 'running':
      return `its tenant has ${running} tasks on the cluster, and its limit is ${limits.running}`;
    case 'cpus':
      return `its tenant uses ${used.cpuMillis / 1000} of at most ${(limits.cpuMillis ?? 0) / 1000} CPUs, and it needs ${needs.cpuMillis / 1000}`;
    case 'mem':
      return `its tenant uses ${used.memMb} of at most ${limits.memMb} MB of memory, and it needs ${needs.memMb}`;
    case 'gpus':
      return `its tenant uses ${used.gpus} of at most ${limits.gpus} GPUs, and it needs ${needs.gpus}`;
    case 'pace':
      return `its tenant may launch ${limits.launchesPerSecond} tasks a second`;
    default:
      return by satisfies never;
  }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
