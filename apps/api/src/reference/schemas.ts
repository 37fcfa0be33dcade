import { z } from 'zod';
import {
  adminPauseEndpointRequest,
  adminReplayRequest,
  adminResumeEndpointRequest,
  adminTestCallbackRequest,
  adminUsageAnswer,
  auditAnswer,
  batchAnswer,
  batchRequest,
  callbackExplanation,
  callbackSecretsAnswer,
  callbackTestAnswer,
  deadAnswer,
  deadCallback,
  deadGroupsAnswer,
  endpointAnswer,
  endpointsAnswer,
  failureAnswer,
  keyFacts,
  keysAnswer,
  killAnswer,
  killByFilterAnswer,
  killDryRunAnswer,
  killManyAnswer,
  killRequest,
  newCallbackSecretAnswer,
  newKeyAnswer,
  newKeyRequest,
  ownTenantAnswer,
  pauseEndpointRequest,
  poisonAnswer,
  statusAnswer,
  switchAnswer,
  switchesAnswer,
  switchRequest,
  problemDetail,
  queueSurvey,
  reconcileAnswer,
  replayAnswer,
  replayDryRunAnswer,
  replayRequest,
  replaysAnswer,
  replayWordRequest,
  redriveAnswer,
  redriveRequest,
  rerunAnswer,
  rerunRequest,
  resumeEndpointRequest,
  rotateKeyRequest,
  rotateSecretRequest,
  shownCallback,
  submitRequest,
  submittedTask,
  taskAttempt,
  taskCallbacksAnswer,
  taskDetail,
  taskEntry,
  taskListAnswer,
  taskListEntry,
  taskWhy,
  tenantAnswer,
  tenantsAnswer,
  tenantSettingsRequest,
  testCallbackRequest,
  usageAnswer,
  type RequestBounds,
} from '@juice/contracts';

/** The bodies of requests, by the names that the document gives them. */
export function requestSchemas(bounds: RequestBounds) {
  return {
    Submission: submitRequest(bounds),
    Batch: batchRequest,
    RerunRequest: rerunRequest(bounds),
    KillRequest: killRequest,
    TenantSettings: tenantSettingsRequest,
    NewKeyRequest: newKeyRequest,
    RotateKeyRequest: rotateKeyRequest,
    RotateSecretRequest: rotateSecretRequest,
    ReplayRequest: replayRequest,
    AdminReplayRequest: adminReplayRequest,
    ReplayWord: replayWordRequest,
    PauseEndpoint: pauseEndpointRequest,
    AdminPauseEndpoint: adminPauseEndpointRequest,
    ResumeEndpoint: resumeEndpointRequest,
    AdminResumeEndpoint: adminResumeEndpointRequest,
    RedriveRequest: redriveRequest,
    SwitchRequest: switchRequest,
    TestCallback: testCallbackRequest,
    AdminTestCallback: adminTestCallbackRequest,
  } as const;
}
export type RequestSchemaName = keyof ReturnType<typeof requestSchemas>;

/** The same for `data` of answers, and what is in it more than once. */
export const answerSchemas = {
  SubmittedTask: submittedTask,
  TaskEntry: taskEntry,
  TaskEntries: z.array(taskEntry),
  TaskAttempt: taskAttempt,
  TaskList: taskListAnswer,
  TaskListEntry: taskListEntry,
  TaskDetail: taskDetail,
  TaskWhy: taskWhy,
  TaskCallbacks: taskCallbacksAnswer,
  DeadCallback: deadCallback,
  Dead: deadAnswer,
  DeadGroups: deadGroupsAnswer,
  Replay: replayAnswer,
  ReplayDryRun: replayDryRunAnswer,
  Replays: replaysAnswer,
  Endpoint: endpointAnswer,
  Endpoints: endpointsAnswer,
  Callback: shownCallback,
  CallbackExplanation: callbackExplanation,
  CallbackTest: callbackTestAnswer,
  Usage: usageAnswer,
  AdminUsage: adminUsageAnswer,
  Poison: poisonAnswer,
  Status: statusAnswer,
  Switches: switchesAnswer,
  Switch: switchAnswer,
  Redriven: redriveAnswer,
  BatchResult: batchAnswer,
  Rerun: rerunAnswer,
  Kill: killAnswer,
  KillMany: killManyAnswer,
  KillByFilter: killByFilterAnswer,
  KillDryRun: killDryRunAnswer,
  Reconcile: reconcileAnswer,
  OwnTenant: ownTenantAnswer,
  Tenant: tenantAnswer,
  Tenants: tenantsAnswer,
  CallbackSecrets: callbackSecretsAnswer,
  NewCallbackSecret: newCallbackSecretAnswer,
  Key: keyFacts,
  Keys: keysAnswer,
  NewKey: newKeyAnswer,
  Audit: auditAnswer,
  Queue: queueSurvey,
  Problem: problemDetail,
  Failure: failureAnswer,
} as const;
export type AnswerSchemaName = keyof typeof answerSchemas;

/** A JSON Schema, or any other part of the document. */
export interface Json {
  [member: string]: unknown;
}

export function refTo(name: RequestSchemaName | AnswerSchemaName): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** Every schema as JSON Schema has it, by its name. */
export function writeSchemas(bounds: RequestBounds): Record<string, Json> {
  const requests = write(requestSchemas(bounds), 'input');
  const { properties } = requests['Batch'] as { properties: { tasks: Json } };
  properties.tasks['items'] = refTo('Submission');
  return { ...requests, ...write(answerSchemas, 'output') };
}

/** A schema that has no name, such as that of query parameters. */
export function writeSchema(schema: z.ZodType): Json {
  const { $schema: _, ...written } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: correct });
  return written as Json;
}

function write(named: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): Record<string, Json> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const uri = (id: string): string => `#/components/schemas/${id}`;
  const { schemas } = z.toJSONSchema(registry, { io, unrepresentable: 'any', uri, override: correct });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema as Json]),
  );
}

/**
 * What zod says and does not mean: that answers will never have more members than now (they will, and clients pass over
 * what they do not know), the bounds of doubles, and `format`s that JSON Schema does not have.
 */
function correct({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema }) {
  const { def } = zodSchema._zod;
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.format === 'starts_with') delete jsonSchema.format;
}
