import {
  isEndState,
  taskStateName,
  writeExactJson,
  hostInUrl,
  sandboxPath,
  usualAgentPort,
  writeCallbackId,
} from '@juice/contracts';
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
  return Buffer.from(
    writeExactJson({
      taskId: facts.taskId,
      result: taskStateName(state.status),
      message: state.message,
      source: sandbox ?? '',
      logs:
        run === null || sandbox === null ? [] : ['stdout', 'stderr'].map((name) => fileUrl(run, `${sandbox}/${name}`)),
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
    }),
  );
}

/** Where the agent serves a file of the sandbox. A query may hold slashes as they are, and is then readable. */
function fileUrl({ agentHost, agentPort }: NonNullable<CallbackFacts['run']>, path: string): string {
  const query = encodeURIComponent(path).replaceAll('%2F', '/');
  return `http://${hostInUrl(agentHost)}:${agentPort ?? usualAgentPort}/files/download?path=${query}`;
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
