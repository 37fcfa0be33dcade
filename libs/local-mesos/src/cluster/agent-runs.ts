import type { ContainerStatus, TaskInfo, TaskStatus } from '@juice/mesos';
import { isEnd, taskKey, type ClusterState, type ExecutorReport, type MasterTask, type Run } from './cluster-state.ts';
import { exitMessage } from './exit-message.ts';
import { hasCapability } from './framework-check.ts';
import type { CallKill } from './received-call.ts';
import { dropRun, push } from './update-stream.ts';

/**
 * The agents' side: tasks with their processes.
 *
 *     launch → (fetch, start) → STARTING RUNNING → exit → FINISHED | FAILED | KILLED
 *                                   └ kill → KILLING ──────┘
 */

/** A task reaches its agent. */
export function startRun(state: ClusterState, booked: MasterTask, task: TaskInfo): void {
  const run = createRun(state, booked, task);
  const { containerId, frameworkId } = run;
  state.effects.push({ kind: 'launch', containerId, agentIndex: run.agent.index, frameworkId, task });
}

function createRun(state: ClusterState, booked: MasterTask, task: TaskInfo): Run {
  const { agent, framework, role, bag } = booked;
  const run: Run = {
    containerId: state.newUuid(),
    agent,
    framework: framework.info,
    frameworkId: framework.id,
    task,
    role,
    bag,
    state: 'TASK_STAGING',
    containerStatus: null,
    queue: [],
    garbled: null,
    resendAtMs: 0,
    resendMs: 0,
    ending: null,
    forceAtMs: 0,
  };
  agent.runs.set(taskKey(framework.id, booked.id), run);
  state.runs.set(run.containerId, run);
  return run;
}

/** The agent is asked about a task whose launch never reached it. */
export function denyTask(state: ClusterState, booked: MasterTask): void {
  const task = { name: '', task_id: { value: booked.id }, agent_id: { value: booked.agent.id }, resources: [] };
  const run = createRun(state, booked, task);
  push(state, run, {
    state: hasCapability(run.framework, 'PARTITION_AWARE') ? 'TASK_DROPPED' : 'TASK_LOST',
    message: 'Reconciliation: task unknown to the agent',
    source: 'SOURCE_AGENT',
    reason: 'REASON_RECONCILIATION',
  });
}

/** An executor reports. A report about a container nobody remembers is ignored. */
export function takeReport(state: ClusterState, containerId: string, report: ExecutorReport): void {
  const run = state.runs.get(containerId);
  if (run === undefined) return;
  switch (report.kind) {
    case 'running':
      return noteRunning(state, run, report.pid);
    case 'exited':
      return noteExit(state, run, report);
    case 'failed':
      if (!isEnd(run.state)) {
        const status = { state: 'TASK_FAILED', message: report.message, source: 'SOURCE_AGENT' } as const;
        push(state, run, { ...status, reason: report.reason });
      }
      return forgetEnded(state, run);
  }
}

function noteRunning(state: ClusterState, run: Run, pid: number | null): void {
  if (run.state !== 'TASK_STAGING') {
    // Killed or shut down while it was being started.
    if (isEnd(run.state) || run.ending === 'shutdown')
      state.effects.push({ kind: 'force', containerId: run.containerId });
    return;
  }
  run.containerStatus = containerStatus(run, pid);
  push(state, run, { state: 'TASK_STARTING' });
  push(state, run, { state: 'TASK_RUNNING' });
  const limit = run.task.max_completion_time;
  if (limit !== undefined) {
    state.timers.add(state.nowMs + limit.nanoseconds / 1e6, { kind: 'overtime', containerId: run.containerId });
  }
}

function containerStatus(run: Run, pid: number | null): ContainerStatus {
  const address = { protocol: 'IPv4', ip_address: run.agent.ip } as const;
  return {
    container_id: { value: run.containerId },
    network_infos: [{ ip_addresses: [address], groups: [], port_mappings: [] }],
    ...(pid === null ? {} : { executor_pid: pid }),
  };
}

function noteExit(state: ClusterState, run: Run, report: ExecutorReport & { kind: 'exited' }): void {
  if (!isEnd(run.state)) {
    const ended = endOf(run, report.exit);
    push(state, run, { ...ended, message: exitMessage(report.what, report.exit) });
  }
  forgetEnded(state, run);
}

function endOf(run: Run, exit: number | NodeJS.Signals): Pick<TaskStatus, 'state' | 'reason'> {
  switch (run.ending) {
    case 'killed':
      return { state: 'TASK_KILLED' };
    case 'drained':
      return { state: 'TASK_KILLED', reason: 'REASON_AGENT_DRAINING' };
    case 'overtime':
      return { state: 'TASK_FAILED', reason: 'REASON_MAX_COMPLETION_TIME_REACHED' };
    case 'shutdown':
    case null:
      return { state: exit === 0 ? 'TASK_FINISHED' : 'TASK_FAILED' };
  }
}

/** The process is gone: a run that has nothing more to say is dropped. */
function forgetEnded(state: ClusterState, run: Run): void {
  if (run.queue.length === 0 || run.ending === 'shutdown') dropRun(state, run);
}

/** A kill reaches the agent. Repeating it is harmless; one with a shorter grace shortens a kill under way. */
export function killRun(state: ClusterState, run: Run, kill: Pick<CallKill, 'kill_policy'>): void {
  endRun(state, run, { as: 'killed', graceMs: graceOf(state, run, kill.kill_policy) });
}

export function drainRun(state: ClusterState, run: Run): void {
  endRun(state, run, { as: 'drained', graceMs: graceOf(state, run, undefined) });
}

function graceOf(state: ClusterState, run: Run, policy: CallKill['kill_policy']): number {
  const grace = policy?.grace_period ?? run.task.kill_policy?.grace_period;
  return grace === undefined ? state.settings.killGraceMs : grace.nanoseconds / 1e6;
}

/** Its framework is gone: the process is ended and nothing more is said about it. */
export function shutDownRun(state: ClusterState, run: Run): void {
  run.queue.length = 0;
  if (isEnd(run.state)) return dropRun(state, run);
  run.agent.runs.delete(taskKey(run.frameworkId, run.task.task_id.value));
  endRun(state, run, { as: 'shutdown', graceMs: state.settings.shutdownGraceMs });
}

/** `max_completion_time` is over. */
export function endOvertime(state: ClusterState, containerId: string): void {
  const run = state.runs.get(containerId);
  if (run !== undefined && run.ending === null) {
    endRun(state, run, { as: 'overtime', graceMs: state.settings.killGraceMs });
  }
}

function endRun(state: ClusterState, run: Run, how: { as: NonNullable<Run['ending']>; graceMs: number }): void {
  if (isEnd(run.state)) return;
  const { containerId } = run;
  if (run.state === 'TASK_STAGING' && how.as !== 'shutdown') {
    push(state, run, {
      state: 'TASK_KILLED',
      message: 'Killed before delivery to the executor',
      source: 'SOURCE_AGENT',
      reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
    });
    state.effects.push({ kind: 'force', containerId });
    return;
  }
  const first = run.ending === null;
  run.ending = first || how.as === 'shutdown' ? how.as : run.ending;
  const forceAtMs = state.nowMs + how.graceMs;
  if (first || forceAtMs < run.forceAtMs) {
    run.forceAtMs = forceAtMs;
    state.timers.add(forceAtMs, { kind: 'force', containerId });
  }
  if (!first) return;
  if ((how.as === 'killed' || how.as === 'drained') && hasCapability(run.framework, 'TASK_KILLING_STATE')) {
    push(state, run, { state: 'TASK_KILLING', ...(how.as === 'drained' ? { reason: 'REASON_AGENT_DRAINING' } : {}) });
  }
  state.effects.push({ kind: 'stop', containerId, graceMs: how.graceMs });
}

/** The grace is over. */
export function forceEnd(state: ClusterState, containerId: string): void {
  const run = state.runs.get(containerId);
  if (run === undefined || isEnd(run.state) || run.forceAtMs > state.nowMs) return;
  state.effects.push({ kind: 'force', containerId });
}
