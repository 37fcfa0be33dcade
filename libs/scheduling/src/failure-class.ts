import type { MesosState, ObservedStatus } from './event.ts';

/**
 * Whose failure an attempt's end was.
 *
 * | class | which | next |
 * |---|---|---|
 * | final | FINISHED; an end that would be the same again (TASK_INVALID, TASK_UNAUTHORIZED) | the task ends |
 * | cluster | DROPPED, LOST, GONE, GONE_BY_OPERATOR whatever the reason; trouble of agents and masters | free retry, capped |
 * | launch | the container or its executor did not start: a bad machine, or a bad image or URI | free retry, capped sooner |
 * | unknown | nobody saw the end of it, and an update of it is in quarantine: it may have finished | counts against `retry` |
 * | own | everything else: exit codes, memory and disk limits, time limits, health checks | counts against `retry` |
 */
export type FailureClass = 'final' | 'cluster' | 'launch' | 'unknown' | 'own';

/** Our reason for an end of the class unknown. */
export const resultUnknown = 'RESULT_UNKNOWN';

const clusterStates: ReadonlySet<MesosState> = new Set([
  'TASK_DROPPED',
  'TASK_LOST',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  // Given up after the policy's time-out.
  'TASK_UNREACHABLE',
  'TASK_UNKNOWN',
]);
const finalReasons: ReadonlySet<string> = new Set([
  'TASK_INVALID',
  'TASK_UNAUTHORIZED',
  'TASK_GROUP_INVALID',
  'TASK_GROUP_UNAUTHORIZED',
]);
const clusterReasons: ReadonlySet<string> = new Set([
  'AGENT_DRAINING',
  'AGENT_REMOVED',
  'AGENT_REMOVED_BY_OPERATOR',
  'AGENT_RESTARTED',
  'AGENT_DISCONNECTED',
  'AGENT_UNKNOWN',
  'INVALID_OFFERS',
  'MASTER_DISCONNECTED',
  'GC_ERROR',
  'EXECUTOR_REREGISTRATION_TIMEOUT',
  'CONTAINER_PREEMPTED',
  'RESOURCES_UNKNOWN',
  'FRAMEWORK_REMOVED',
]);
const launchReasons: ReadonlySet<string> = new Set([
  'CONTAINER_LAUNCH_FAILED',
  // Pulling an image counts into the time that an executor has to register.
  'EXECUTOR_REGISTRATION_TIMEOUT',
  'EXECUTOR_TERMINATED',
  'IO_SWITCHBOARD_EXITED',
]);

/** States that tell of no end that anybody saw: the cluster does not have the task (any more). */
export function isLoss(state: MesosState): boolean {
  return clusterStates.has(state);
}

export function classifyEnd(status: ObservedStatus): FailureClass {
  if (status.state === 'TASK_FINISHED') return 'final';
  if (status.reason === resultUnknown) return 'unknown';
  if (status.reason !== null && finalReasons.has(status.reason)) return 'final';
  if (isLoss(status.state)) return 'cluster';
  if (status.reason !== null && clusterReasons.has(status.reason)) return 'cluster';
  if (status.reason !== null && launchReasons.has(status.reason)) return 'launch';
  return 'own';
}

/** The exit code in Mesos' message ("Command exited with status 3"); null when the task gave none (a signal, or it never ran). */
export function exitCodeOf(message: string): number | null {
  const found = /^(?:Command|Container) exited with status (\d+)/.exec(message);
  return found ? Number(found[1]) : null;
}
