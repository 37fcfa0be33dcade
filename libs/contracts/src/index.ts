export { asTaskId, firstTaskIdAt, parseTaskId, taskIdEpochMs, taskIdTimeMs, type TaskId } from './task-id.ts';
export { isEndState, liveStates, TaskState, taskStateName, type TaskStateName } from './task-state.ts';
export { ErrorCode, errorMessagePrefix, type ErrorCodeName } from './error-codes.ts';
export { parseExactJson, writeExactJson } from './exact-json.ts';
export {
  portsNeeded,
  type ConstraintSpec,
  type ContainerSpec,
  type DockerSpec,
  type EnvVariable,
  type PortMappingSpec,
  type ResourcesSpec,
  type TaskSpec,
  type VolumeSpec,
} from './task-spec.ts';
export { type LiveAttempt, type LiveTask, type ResourceNeeds, type SchedulableTask } from './schedulable-task.ts';
export { type AttemptChange, type TaskTransition, type TransitionOutcome } from './task-transition.ts';
export { eventNames, type EventName } from './event-names.ts';
export { DependencyFailure, InvariantBroken, ProtocolViolation } from './failures.ts';
export {
  commandKinds,
  commandMessage,
  statusEventMessage,
  tasksSubmittedMessage,
  type CommandMessage,
  type StatusEvent,
  type TasksSubmittedMessage,
} from './messages.ts';
export { requestLimits, submitRequest, type RequestBounds, type SubmitRequest } from './submit-request.ts';
export {
  failureAnswer,
  killAnswer,
  problemDetail,
  reconcileAnswer,
  submittedTask,
  successAnswer,
  taskAttempt,
  taskEntry,
  type FailureAnswer,
  type KillAnswer,
  type ProblemDetail,
  type ReconcileAnswer,
  type SubmittedTask,
  type TaskAttempt,
  type TaskEntry,
} from './task-answers.ts';
