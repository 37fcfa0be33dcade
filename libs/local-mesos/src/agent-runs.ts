import type { ContainerStatus, TaskInfo, TaskState, TaskStatus } from '@juice/mesos';
import { release } from './allocator.ts';
import {
  isEnd,
  sendEvent,
  taskKey,
  type ClusterState,
  type ExecutorReport,
  type MasterTask,
  type Run,
} from './cluster-state.ts';
import { exitMessage } from './exit-message.ts';
import { hasCapability } from './framework-check.ts';
import type { CallAcknowledge, CallKill } from './received-call.ts';

/**
 * The agents' side: tasks with their processes, and the streams of updates about them.
 *
 *     launch → (fetch, start) → STARTING RUNNING → exit → FINISHED | FAILED | KILLED
 *                                   └ kill → KILLING ──────┘
 *
 * Of each task one update is in flight. Until the framework has acknowledged it (by its uuid) it is sent again, after
 * 10 s and then at doubling intervals, and those behind it wait. A task is forgotten when its last update is
 * acknowledged.
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

function dropRun(state: ClusterState, run: Run): void {
  state.runs.delete(run.containerId);
  const key = taskKey(run.frameworkId, run.task.task_id.value);
  if (run.agent.runs.get(key) === run) run.agent.runs.delete(key);
}

type News = Pick<TaskStatus, 'state'> & Partial<Pick<TaskStatus, 'message' | 'source' | 'reason'>>;

function push(state: ClusterState, run: Run, news: News): void {
  run.state = news.state;
  if (run.ending === 'shutdown') return;
  const { state: taskState, message, source = 'SOURCE_EXECUTOR', reason } = news;
  run.queue.push({
    task_id: { value: run.task.task_id.value },
    state: taskState,
    ...(message === undefined ? {} : { message }),
    source,
    ...(reason === undefined ? {} : { reason }),
    agent_id: { value: run.agent.id },
    executor_id: { value: run.task.task_id.value },
    timestamp: state.nowMs / 1000,
    uuid: Buffer.from(state.newUuid().replaceAll('-', ''), 'hex').toString('base64'),
    ...(source === 'SOURCE_EXECUTOR' && run.containerStatus !== null ? { container_status: run.containerStatus } : {}),
  });
  if (run.queue.length === 1) forwardFirst(state, run);
}

function containerStatus(run: Run, pid: number | null): ContainerStatus {
  const address = { protocol: 'IPv4', ip_address: run.agent.ip } as const;
  return {
    container_id: { value: run.containerId },
    network_infos: [{ ip_addresses: [address], groups: [], port_mappings: [] }],
    ...(pid === null ? {} : { executor_pid: pid }),
  };
}

/** Sends the update in flight, as for the first time: the interval of its repetitions starts anew. */
export function forwardFirst(state: ClusterState, run: Run): void {
  run.resendMs = state.settings.retryMinMs;
  forward(state, run);
}

function forward(state: ClusterState, run: Run): void {
  const status = run.queue[0];
  if (status === undefined || !run.agent.linked || run.agent.membership !== 'registered') return;
  run.resendAtMs = state.nowMs + run.resendMs;
  state.timers.add(run.resendAtMs, { kind: 'resend', containerId: run.containerId });
  passUpdate(state, run, status);
}

/** The timer of a repetition went off; it means something only if no newer one was set. */
export function resend(state: ClusterState, containerId: string): void {
  const run = state.runs.get(containerId);
  if (run === undefined || run.resendAtMs === 0 || run.resendAtMs > state.nowMs) return;
  run.resendMs = Math.min(run.resendMs * 2, state.settings.retryMaxMs);
  forward(state, run);
}

/** The master gets an update: it notes it, frees what an ended task held, and passes it on if the framework is there. */
function passUpdate(state: ClusterState, run: Run, status: TaskStatus): void {
  const framework = state.frameworks.get(run.frameworkId);
  if (framework === undefined) return;
  const task = framework.tasks.get(run.task.task_id.value);
  if (task !== undefined) noteUpdate(state, task, { status, latest: run.state });
  const { streamId } = framework;
  const event = { type: 'UPDATE', update: { status } } as const;
  const { duplicate, delayMs } = state.updateFaults;
  if (streamId === null) return;
  for (let copies = duplicate ? 2 : 1; copies > 0; copies--) {
    if (delayMs === 0) sendEvent(state, framework, event);
    else state.timers.add(state.nowMs + delayMs, { kind: 'deliver', streamId, event });
  }
}

function noteUpdate(state: ClusterState, task: MasterTask, news: { status: TaskStatus; latest: TaskState }): void {
  if (!isEnd(task.state)) task.state = news.latest;
  task.updateState = news.status.state;
  task.updateUuid = news.status.uuid ?? null;
  task.containerStatus = news.status.container_status ?? task.containerStatus;
  task.healthy = news.status.healthy ?? null;
  if (isEnd(task.state)) freeTask(state, task);
}

export function freeTask(state: ClusterState, task: MasterTask): void {
  if (task.freed) return;
  task.freed = true;
  release(state, task);
}

/** Takes a task off the master's books. */
export function forgetTask(state: ClusterState, task: MasterTask): void {
  const key = taskKey(task.framework.id, task.id);
  task.framework.tasks.delete(task.id);
  task.agent.tasks.delete(key);
  task.agent.kills.delete(key);
  freeTask(state, task);
}

/** ACKNOWLEDGE: lost on the way when the agent is not there; ignored when it is not for the update in flight. */
export function acknowledge(state: ClusterState, frameworkId: string, ack: CallAcknowledge): void {
  const agent = state.agentsById.get(ack.agent_id.value);
  if (agent === undefined || agent.membership !== 'registered' || !agent.linked) return;
  const key = taskKey(frameworkId, ack.task_id.value);
  const task = agent.tasks.get(key);
  if (task !== undefined && task.updateState !== null && isEnd(task.updateState) && task.updateUuid === ack.uuid) {
    forgetTask(state, task);
  }
  const run = agent.runs.get(key);
  if (run?.queue[0]?.uuid !== ack.uuid || run === undefined) return;
  run.queue.shift();
  run.resendAtMs = 0;
  if (run.queue.length > 0) forwardFirst(state, run);
  else if (isEnd(run.state)) dropRun(state, run);
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
