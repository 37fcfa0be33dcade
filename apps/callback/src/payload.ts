import { isEndState, taskStateName, hostInUrl, sandboxPath, usualAgentPort, writeCallbackId } from '@juice/contracts';
import type { ClaimedLane } from '@juice/persistence';

/** What a body is made of: nothing that changes between two tries of the same state. */
export type CallbackFacts = Pick<ClaimedLane, 'taskId' | 'tenantId' | 'taskName' | 'submittedAtMs' | 'state' | 'run'>;

/** The same for every try and for a replay: what a receiver drops repeats by. */
export function callbackId({ taskId, state }: Pick<CallbackFacts, 'taskId' | 'state'>): string {
  return writeCallbackId({ taskId, sequence: state.seq });
}

/**
 * The body of a state's callback: JSON, the same bytes on every try. The first five members are the original's; the
 * rest is ours: `type` and `timestamp` as Standard Webhooks has them, and what a receiver needs to put states in order
 * (`sequence`) and to tell attempts of a retried task apart (`attempt`).
 */
export function callbackBody(facts: CallbackFacts): Buffer {
  const { state, run } = facts;
  const sandbox = run === null ? null : sandboxPath(run);
  // The id is a number too long for JSON.stringify, and the only one.
  const rest = JSON.stringify({
    result: taskStateName(state.status),
    message: state.message,
    source: sandbox ?? '',
    logs: run === null || sandbox === null ? [] : logUrls(run, sandbox),
    type: 'task.status_changed',
    timestamp: iso(state.atMs),
    taskIdStr: String(facts.taskId),
    tenantId: facts.tenantId,
    taskName: facts.taskName,
    taskStatus: state.status,
    sequence: state.seq,
    attempt: state.attempt,
    reason: state.reason,
    exitCode: state.exitCode,
    agentHost: run?.agentHost ?? null,
    submittedAt: iso(facts.submittedAtMs),
    launchedAt: run === null ? null : iso(run.launchedAtMs),
    finishedAt: isEndState(state.status) ? iso(state.atMs) : null,
  });
  return Buffer.from(`{"taskId":${facts.taskId},${rest.slice(1)}`);
}

/** Where the agent serves what the task has written. A query may hold slashes as they are, and is then readable. */
function logUrls({ agentHost, agentPort }: NonNullable<CallbackFacts['run']>, sandbox: string): readonly string[] {
  const path = encodeURIComponent(sandbox).replaceAll('%2F', '/');
  const folder = `http://${hostInUrl(agentHost)}:${agentPort ?? usualAgentPort}/files/download?path=${path}`;
  return [`${folder}/stdout`, `${folder}/stderr`];
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
