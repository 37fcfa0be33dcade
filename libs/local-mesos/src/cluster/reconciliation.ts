import type { TaskState } from '@juice/mesos';
import { sendMasterStatus, type ClusterState, type Framework, type MasterTask } from './cluster-state.ts';
import { hasCapability } from './framework-check.ts';
import type { CallReconcileTask } from './received-call.ts';

/**
 * RECONCILE. Without tasks: one answer for each task the master knows. With tasks: one for each asked about,
 *
 * | the master knows                                        | PARTITION_AWARE      | without |
 * |---------------------------------------------------------|----------------------|---------|
 * | the task                                                | its last update      | same    |
 * | its agent is recovered (or none given and any agent is) | silence              | silence |
 * | its agent is registered                                 | TASK_GONE            | LOST    |
 * | its agent is unreachable                                | TASK_UNREACHABLE     | LOST    |
 * | its agent is marked gone                                | TASK_GONE_BY_OPERATOR| LOST    |
 * | nothing                                                 | TASK_UNKNOWN         | LOST    |
 */
export function reconcile(state: ClusterState, framework: Framework, asked: readonly CallReconcileTask[]): void {
  if (asked.length === 0) for (const task of framework.tasks.values()) answerKnown(state, task);
  for (const question of asked) {
    const task = framework.tasks.get(question.task_id.value);
    if (task === undefined) answerUnknown(state, framework, question);
    else answerKnown(state, task);
  }
}

function answerKnown(state: ClusterState, task: MasterTask): void {
  sendMasterStatus(state, task.framework, {
    task_id: { value: task.id },
    state: task.updateState ?? task.state,
    message: 'Reconciliation: Latest task state',
    reason: 'REASON_RECONCILIATION',
    agent_id: { value: task.agent.id },
    ...(task.healthy === null ? {} : { healthy: task.healthy }),
    ...(task.containerStatus === null ? {} : { container_status: task.containerStatus }),
  });
}

interface Answer {
  readonly state: TaskState;
  readonly message: string;
  readonly unreachableAtMs?: number;
}

function answerUnknown(state: ClusterState, framework: Framework, question: CallReconcileTask): void {
  const answer = findAnswer(state, question);
  if (answer === null) return;
  const aware = hasCapability(framework.info, 'PARTITION_AWARE');
  sendMasterStatus(state, framework, {
    task_id: { value: question.task_id.value },
    state: aware ? answer.state : 'TASK_LOST',
    message: `Reconciliation: ${answer.message}`,
    reason: 'REASON_RECONCILIATION',
    ...(question.agent_id === undefined ? {} : { agent_id: { value: question.agent_id.value } }),
    ...(answer.unreachableAtMs === undefined ? {} : { unreachable_time: timeInfo(answer.unreachableAtMs) }),
  });
}

function findAnswer(state: ClusterState, question: CallReconcileTask): Answer | null {
  const unknown: Answer = { state: 'TASK_UNKNOWN', message: 'Task is unknown' };
  if (question.agent_id === undefined) {
    return state.agents.some((agent) => agent.membership === 'recovered') ? null : unknown;
  }
  const agent = state.agentsById.get(question.agent_id.value);
  switch (agent?.membership) {
    case 'recovered':
      return null;
    case 'registered':
      return { state: 'TASK_GONE', message: 'Task is unknown to the agent' };
    case 'unreachable':
      return { state: 'TASK_UNREACHABLE', message: 'Task is unreachable', unreachableAtMs: agent.unreachableAtMs };
    case 'gone':
      return { state: 'TASK_GONE_BY_OPERATOR', message: 'Task is gone' };
    case 'removed':
    case undefined:
      return unknown;
  }
}

/** Milliseconds as Mesos' nanoseconds: beyond 2^53, so exact to about a quarter of a microsecond. */
export function timeInfo(atMs: number): { nanoseconds: number } {
  return { nanoseconds: Math.round(atMs * 1e6) };
}
