import type { TaskState, TaskStatus } from '@juice/mesos';
import { denyTask, drainRun, killRun, shutDownRun } from './agent-runs.ts';
import { dropFilters, rescind, stir, take } from './allocator.ts';
import {
  isEnd,
  sendEvent,
  sendMasterStatus,
  taskKey,
  type Agent,
  type ClusterState,
  type Framework,
  type MasterTask,
  type Run,
} from './cluster-state.ts';
import { hasCapability } from './framework-check.ts';
import { newFramework } from './frameworks.ts';
import { rescindInverseOffersOf } from './inverse-offers.ts';
import { timeInfo } from './reconciliation.ts';
import { forgetTask, forwardFirst } from './update-stream.ts';

/**
 * Agents that go and come back, and the master that restarts.
 *
 *     registered ──lost──▶ unreachable ──back──▶ registered
 *         │ └──marked gone──▶ gone        (never again)
 *         └──unregisters──▶ removed       (never again under that id)
 *     master restarts: registered ──▶ recovered ──registers──▶ registered
 */

/** The agent stops hearing and being heard. The master notices `noticeAfterMs` later. */
export function loseAgent(state: ClusterState, agent: Agent, noticeAfterMs: number): void {
  agent.linked = false;
  if (noticeAfterMs === 0) markUnreachable(state, agent);
  else missAfter(state, agent, noticeAfterMs);
}

function missAfter(state: ClusterState, agent: Agent, ms: number): void {
  agent.missAtMs = state.nowMs + ms;
  state.timers.add(agent.missAtMs, { kind: 'agent.lost', index: agent.index });
}

/** TASK_UNREACHABLE for its tasks, RESCIND for its offers, then FAILURE. */
export function markUnreachable(state: ClusterState, agent: Agent): void {
  if (agent.linked || agent.membership !== 'registered') return;
  agent.membership = 'unreachable';
  agent.unreachableAtMs = state.nowMs;
  removeFromBooks(state, agent, {
    aware: 'TASK_UNREACHABLE',
    message: 'health check timed out',
    reason: 'REASON_AGENT_REMOVED',
    unreachable_time: timeInfo(state.nowMs),
  });
}

/** The operator says it will never come back: TASK_GONE_BY_OPERATOR, RESCIND, FAILURE. Its tasks are ended. */
export function markGone(state: ClusterState, agent: Agent): void {
  if (agent.membership === 'gone' || agent.membership === 'removed') return;
  const { linked } = agent;
  agent.membership = 'gone';
  removeFromBooks(state, agent, {
    aware: 'TASK_GONE_BY_OPERATOR',
    message: 'Agent has been marked gone',
    reason: 'REASON_AGENT_REMOVED_BY_OPERATOR',
  });
  if (linked) for (const run of [...agent.runs.values()]) shutDownRun(state, run);
  agent.linked = false;
  state.effects.push({ kind: 'save' });
}

/** It leaves in good order: TASK_LOST even to those that are PARTITION_AWARE, RESCIND, FAILURE. Its tasks are ended. */
export function unregister(state: ClusterState, agent: Agent): void {
  if (agent.membership !== 'registered') return;
  agent.membership = 'removed';
  removeFromBooks(state, agent, {
    aware: 'TASK_LOST',
    message: `Agent ${agent.hostname} removed: the agent unregistered`,
    reason: 'REASON_AGENT_REMOVED',
  });
  for (const run of [...agent.runs.values()]) shutDownRun(state, run);
  agent.linked = false;
  state.effects.push({ kind: 'save' });
}

type Farewell = Pick<TaskStatus, 'message' | 'reason' | 'unreachable_time'> & { readonly aware: TaskState };

function removeFromBooks(state: ClusterState, agent: Agent, { aware, ...status }: Farewell): void {
  for (const task of [...agent.tasks.values()]) {
    const { framework } = task;
    const knows = hasCapability(framework.info, 'PARTITION_AWARE');
    if (!isEnd(task.state)) {
      const farewell = { task_id: { value: task.id }, state: knows ? aware : ('TASK_LOST' as const), ...status };
      sendMasterStatus(state, framework, { ...farewell, agent_id: { value: agent.id } });
      if (aware === 'TASK_UNREACHABLE') framework.unreachable.set(task.id, task);
    }
    forgetTask(state, task);
  }
  for (const offer of [...agent.offers]) rescind(state, offer);
  rescindInverseOffersOf(state, agent);
  dropFilters(state, agent);
  tellFailure(state, agent);
}

/** It is heard again: the states of its tasks are told anew, updates it held come, its resources are offered. */
export function returnAgent(state: ClusterState, agent: Agent): void {
  if (agent.membership === 'gone' || agent.membership === 'removed') return;
  const was = agent.membership;
  if (agent.linked && was === 'registered') return;
  agent.linked = true;
  agent.missAtMs = null;
  agent.membership = 'registered';
  for (const run of [...agent.runs.values()]) {
    if (state.completed.has(run.frameworkId)) shutDownRun(state, run);
    else if (was !== 'registered') bookRun(state, run, was === 'unreachable');
  }
  for (const run of [...agent.runs.values()]) forwardFirst(state, run);
  for (const [key, call] of agent.kills) {
    const run = agent.runs.get(key);
    if (run !== undefined) killRun(state, run, call);
  }
  if (was === 'registered') denyUnheard(state, agent);
  stir(state, agent);
}

/** Tasks the master sent to an agent that never got them. */
function denyUnheard(state: ClusterState, agent: Agent): void {
  for (const [key, task] of agent.tasks) if (!agent.runs.has(key)) denyTask(state, task);
}

/** The master learns of a task from its agent. */
function bookRun(state: ClusterState, run: Run, tell: boolean): void {
  const framework = state.frameworks.get(run.frameworkId) ?? recoverFramework(state, run);
  const id = run.task.task_id.value;
  framework.unreachable.delete(id);
  const task: MasterTask = {
    id,
    framework,
    agent: run.agent,
    role: run.role,
    bag: run.bag,
    state: run.state,
    updateState: run.queue[0]?.state ?? run.state,
    updateUuid: run.queue[0]?.uuid ?? null,
    containerStatus: run.containerStatus,
    healthy: null,
    freed: isEnd(run.state),
  };
  framework.tasks.set(id, task);
  run.agent.tasks.set(taskKey(framework.id, id), task);
  if (!task.freed) take(run.agent, framework, run.bag);
  if (!tell) return;
  sendMasterStatus(state, framework, {
    task_id: { value: id },
    state: task.state,
    message: 'Unreachable agent re-reregistered',
    reason: 'REASON_AGENT_REREGISTERED',
    agent_id: { value: run.agent.id },
    ...(task.containerStatus === null ? {} : { container_status: task.containerStatus }),
  });
}

/** A framework the master knows from an agent alone: not connected, and no clock runs for it. */
function recoverFramework(state: ClusterState, run: Run): Framework {
  const framework = newFramework(run.frameworkId, { ...run.framework, id: { value: run.frameworkId } });
  state.frameworks.set(framework.id, framework);
  return framework;
}

/** DRAIN_AGENT: no more offers of it, and its tasks are killed. `returnAgent` does not end this; `reactivate` does. */
export function drain(state: ClusterState, agent: Agent): void {
  agent.draining = true;
  for (const offer of [...agent.offers]) rescind(state, offer);
  rescindInverseOffersOf(state, agent);
  if (agent.linked) for (const run of [...agent.runs.values()]) drainRun(state, run);
}

export function reactivate(state: ClusterState, agent: Agent): void {
  agent.draining = false;
  stir(state, agent);
}

/** How long a new master takes to read its registry, and the agents to find it. */
export interface Failover {
  readonly masterId: string;
  readonly recoverMs: number;
  readonly agentsBackMs: number;
}

/** The master is replaced by one that knows only the registry: which agents there are, not what runs on them. */
export function restartMaster(state: ClusterState, { masterId, recoverMs, agentsBackMs }: Failover): void {
  for (const streamId of state.streams.keys()) state.effects.push({ kind: 'end', streamId, abrupt: true });
  for (const known of [state.streams, state.frameworks, state.offers, state.inverseOffers, state.stirred])
    known.clear();
  state.masterId = masterId;
  state.nextFramework = 0;
  state.nextOffer = 0;
  state.recovering = true;
  state.timers.add(state.nowMs + recoverMs, { kind: 'master.recovered' });
  for (const agent of state.agents) {
    for (const known of [agent.tasks, agent.offers, agent.kills]) known.clear();
    agent.free = agent.total;
    if (agent.membership !== 'registered') continue;
    agent.membership = 'recovered';
    const { index } = agent;
    if (agent.linked) state.timers.add(state.nowMs + agentsBackMs, { kind: 'agent.back', index });
    missAfter(state, agent, state.settings.reregisterTimeoutMs);
  }
}

/** Time is up for an agent: not answering pings, or (after a failover, with no update per task) never heard of. */
export function missAgent(state: ClusterState, agent: Agent): void {
  if (agent.missAtMs === null || agent.missAtMs > state.nowMs) return;
  agent.missAtMs = null;
  if (agent.membership === 'registered') return markUnreachable(state, agent);
  if (agent.membership !== 'recovered') return;
  agent.membership = 'unreachable';
  agent.unreachableAtMs = state.nowMs;
  tellFailure(state, agent);
}

function tellFailure(state: ClusterState, agent: Agent): void {
  for (const framework of state.frameworks.values()) {
    sendEvent(state, framework, { type: 'FAILURE', failure: { agent_id: { value: agent.id } } });
  }
}
