import type { TaskState, TaskStatus } from '@juice/mesos';
import { release } from './allocator.ts';
import { isEnd, taskKey, type ClusterState, type MasterTask, type Run, type SendEffect } from './cluster-state.ts';
import type { CallAcknowledge } from './received-call.ts';

/**
 * The way of an update from an agent through the master to the framework, and of its acknowledgement back.
 *
 * Of each task one update is in flight. Until the framework has acknowledged it (by its uuid) it is sent again, after
 * 10 s and then at doubling intervals, and those behind it wait. A task is forgotten, by master and agent, when its last
 * update is acknowledged.
 */

/** What an update says beside whom it is about. */
export type News = Pick<TaskStatus, 'state'> & Partial<Pick<TaskStatus, 'message' | 'source' | 'reason'>>;

/** Queues an update; it leaves at once if none is in flight. */
export function push(state: ClusterState, run: Run, news: News): void {
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
  const { duplicate, delayMs, toGarble } = state.updateFaults;
  if (streamId === null) return;
  const at = toGarble.findIndex((id) => id === null || id === status.task_id.value);
  if (at >= 0) {
    toGarble.splice(at, 1);
    run.garbled = status;
  }
  const effect: SendEffect =
    run.garbled === status
      ? { kind: 'update.garbled', streamId, status }
      : { kind: 'event', streamId, event: { type: 'UPDATE', update: { status } } };
  for (let copies = duplicate ? 2 : 1; copies > 0; copies--) {
    if (delayMs === 0) state.effects.push(effect);
    else state.timers.add(state.nowMs + delayMs, { kind: 'deliver', effect });
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

/** The agent forgets a task. */
export function dropRun(state: ClusterState, run: Run): void {
  state.runs.delete(run.containerId);
  const key = taskKey(run.frameworkId, run.task.task_id.value);
  if (run.agent.runs.get(key) === run) run.agent.runs.delete(key);
}
