export { hostInUrl, sandboxPath, usualAgentPort } from './agent-address.ts';
export { asTaskId, firstTaskIdAt, parseTaskId, taskIdEpochMs, taskIdTimeMs, type TaskId } from './task-id.ts';
export {
  isEndState,
  liveStates,
  stateGroups,
  statesNamed,
  TaskState,
  taskStateName,
  type TaskStateName,
} from './task-state.ts';
export { productVersion } from './product-version.ts';
export { serviceNames, type ServiceName, type ServiceProcess } from './service-process.ts';
export { ErrorCode, errorMessagePrefix, type ErrorCodeName } from './error-codes.ts';
export { parseExactJson, writeExactJson } from './exact-json.ts';
export {
  plainFetch,
  namedPorts,
  portsNeeded,
  urisOf,
  type ContainerSpec,
  type DockerSpec,
  type EnvVariable,
  type FetchSpec,
  type LabelSpec,
  type PortMappingSpec,
  type ResourcesSpec,
  type TaskSpec,
  type UriSpec,
  type VolumeSpec,
} from './task-spec.ts';
export {
  constraintOperators,
  groupPlacements,
  type ConstraintOperator,
  type ConstraintSpec,
  type GroupPlacement,
  type GroupSpec,
} from './placement-spec.ts';
export { constraint as constraintMember, group as groupMember } from './placement-members.ts';
export { type LiveAttempt, type LiveTask, type ResourceNeeds, type SchedulableTask } from './schedulable-task.ts';
export { type AttemptChange, type TaskTransition, type TransitionOutcome } from './task-transition.ts';
export {
  beforeAllEvents,
  cursorAfter,
  firstCursorOf,
  parseEventCursor,
  writeEventCursor,
  type EventCursor,
  type LoggedEvent,
} from './event-log.ts';
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
export { requestLimits } from './request-limits.ts';
export { areRoles, rolesRight } from './role-name.ts';
export { submitRequest, type RequestBounds, type SubmitRequest } from './submit-request.ts';
export {
  failureAnswer,
  killAnswer,
  problemDetail,
  reconcileAnswer,
  streamEndData,
  streamResetData,
  submittedTask,
  successAnswer,
  taskAttempt,
  taskEntry,
  taskEventData,
  type FailureAnswer,
  type KillAnswer,
  type ProblemDetail,
  type ReconcileAnswer,
  type StreamEndData,
  type StreamResetData,
  type SubmittedTask,
  type TaskAttempt,
  type TaskEntry,
  type TaskEventData,
} from './task-answers.ts';
export {
  queueSurvey,
  inquiryPaths,
  taskWhy,
  type TaskWhy,
  whyWaiting,
  type AgentObstacle,
  type Obstacle,
  type QueueSurvey,
  type TenantUsage,
  type WhyWaiting,
} from './why-answers.ts';
export { tenantIdPattern, tenantIdRight } from './tenant-id.ts';
export {
  applySettings,
  defaultTenantSettings,
  tenantSettings,
  tenantSettingsRequest,
  type TenantSettings,
  type TenantSettingsRequest,
} from './tenant-settings.ts';
export {
  auditActions,
  auditQuery,
  newKeyRequest,
  rotateKeyRequest,
  rotateSecretRequest,
  tenantsQuery,
  type AuditAction,
  type AuditQuery,
  type NewKeyRequest,
  type RotateKeyRequest,
  type RotateSecretRequest,
  type TenantsQuery,
} from './admin-requests.ts';
export {
  auditAnswer,
  auditRecord,
  callbackSecretFacts,
  callbackSecretsAnswer,
  keyFacts,
  keysAnswer,
  newCallbackSecretAnswer,
  newKeyAnswer,
  ownTenantAnswer,
  tenantAnswer,
  tenantsAnswer,
  type AuditAnswer,
  type AuditRecord,
  type CallbackSecretFacts,
  type CallbackSecretsAnswer,
  type KeyFacts,
  type KeysAnswer,
  type NewCallbackSecretAnswer,
  type NewKeyAnswer,
  type OwnTenantAnswer,
  type TenantAnswer,
  type TenantsAnswer,
} from './admin-answers.ts';
export { type LabelCondition, type TaskFilter } from './task-filter.ts';
export { listTasksParameters, listTasksQuery, pageLimit, type ListTasksQuery } from './list-tasks-query.ts';
export { logStreams, taskLogsQuery, type LogStream } from './task-logs-query.ts';
export { eventIdRight, taskEventsQuery } from './task-events-query.ts';
export { leastRetentionMs, usualRetention, type RetentionOptions } from './retention.ts';
export { describeCause, type CallbackCause } from './callback-cause.ts';
export { taskCallbacksQuery, writeTryCursor, type TryPlace } from './task-callbacks-query.ts';
export { noMembers } from './request-members.ts';
export { killIdsQuery, killLimit, killRequest, type KillRequest } from './kill-request.ts';
export { batchRequest, mostBatchTasks, type BatchRequest } from './batch-request.ts';
export { rerunRequest, type RerunRequest } from './rerun-request.ts';
export {
  batchAnswer,
  killByFilterAnswer,
  killDryRunAnswer,
  killManyAnswer,
  killResult,
  refusedItem,
  rerunAnswer,
  taskCallbacksAnswer,
  taskDetail,
  taskListAnswer,
  taskListEntry,
  type BatchAnswer,
  type KillByFilterAnswer,
  type KillDryRunAnswer,
  type KillManyAnswer,
  type KillResult,
  type RefusedItem,
  type RerunAnswer,
  type TaskCallbacksAnswer,
  type TaskDetail,
  type TaskListAnswer,
  type TaskListEntry,
} from './task-route-answers.ts';
export {
  adminDeadGroupsQuery,
  adminDeadQuery,
  adminEndpointsQuery,
  adminPauseEndpointRequest,
  adminReplayRequest,
  adminResumeEndpointRequest,
  adminTestCallbackRequest,
  callbackIdRight,
  deadGroupsLimit,
  deadGroupsQuery,
  deadQuery,
  endpointsQuery,
  parseCallbackId,
  writeCallbackId,
  pauseEndpointRequest,
  replayRate,
  replayRequest,
  replaysQuery,
  replayWordRequest,
  resumeEndpointRequest,
  testCallbackRequest,
  type CallbackId,
  type DeadGroupsQuery,
  type DeadQuery,
  type ReplayRequest,
} from './callback-requests.ts';
export {
  callbackExplanation,
  callbackTestAnswer,
  deadAnswer,
  deadCallback,
  deadGroupsAnswer,
  endpointAnswer,
  endpointsAnswer,
  replayAnswer,
  replayDryRunAnswer,
  replaysAnswer,
  shownCallback,
  type CallbackExplanation,
  type CallbackTestAnswer,
  type CallbackWhy,
  type DeadAnswer,
  type DeadCallback,
  type DeadGroupsAnswer,
  type EndpointAnswer,
  type EndpointCondition,
  type EndpointsAnswer,
  type ReplayAnswer,
  type ReplayDryRunAnswer,
  type ReplaysAnswer,
  type ShownCallback,
} from './callback-answers.ts';
export {
  poisonAnswer,
  poisonLimit,
  poisonQuery,
  redriveAnswer,
  redriveLimit,
  redriveRequest,
  type PoisonAnswer,
  type RedriveAnswer,
} from './poison.ts';
export { statusAnswer, type StatusAnswer } from './status-answer.ts';
export {
  addUsage,
  adminUsageAnswer,
  adminUsageQuery,
  noUsage,
  tenantUsageDay,
  usageAmounts,
  usageAnswer,
  usageDay,
  usageQuery,
  type AdminUsageAnswer,
  type TenantUsageDay,
  type UsageAmounts,
  type UsageAnswer,
  type UsageDay,
} from './usage.ts';
export {
  drainSwitchOf,
  launchStopsOf,
  parseSwitchName,
  switchAnswer,
  switchesAnswer,
  switchKinds,
  switchNameRight,
  switchRequest,
  type LaunchStops,
  type SwitchAnswer,
  type SwitchedOn,
  type SwitchesAnswer,
  type SwitchKind,
  type SwitchRequest,
} from './switches.ts';
