import type { TaskId } from '@juice/contracts';
import type { Commands } from './command.ts';
import { canCall, type Attempt, type State } from './state.ts';

/** Asks the cluster what it knows of these attempts, now and again until it answers. */
export function askForNews(state: State, attempts: Iterable<Attempt>, atMs: number, out: Commands): void {
  const { reconciliation, policy } = state;
  const asked: Attempt[] = [];
  for (const attempt of attempts) {
    // An unanswered ACCEPT must not be overtaken: the master would answer GONE for a task that then starts.
    if (!attempt.settled) continue;
    reconciliation.unanswered.add(attempt.mesosTaskId);
    asked.push(attempt);
  }
  if (asked.length === 0 || !canCall(state)) return;
  if (reconciliation.nextAskMs <= atMs) reconciliation.nextAskMs = atMs + policy.askAgainMs;
  reconcile(state, asked, out);
}

/** Explicit reconciliation of every live attempt: after a subscription, and when a takeover has loaded them. */
export function reconcileAll(state: State, atMs: number, out: Commands): void {
  const { reconciliation, policy } = state;
  reconciliation.unanswered.clear();
  reconciliation.pauseMs = policy.askAgainMs;
  reconciliation.nextAskMs = atMs + policy.askAgainMs;
  // Beside the explicit rounds, not in their midst.
  reconciliation.nextImplicitMs = atMs + policy.askAgainMs / 2;
  askForNews(state, liveAttempts(state), atMs, out);
}

export function onReconcileRequested(state: State, taskIds: readonly TaskId[], atMs: number, out: Commands): void {
  const attempts = taskIds.map((taskId) => state.tasks.get(taskId)?.live ?? null).filter((live) => live !== null);
  askForNews(state, attempts, atMs, out);
}

/** An agent failed: after a master's failover this is the only sign, there is no update per task. */
export function onAgentFailed(state: State, agentId: string, atMs: number, out: Commands): void {
  askForNews(
    state,
    liveAttempts(state).filter((attempt) => attempt.agentId === agentId),
    atMs,
    out,
  );
}

/** Asks again for what was not answered, with a growing pause; implicitly now and then. Silence is legal for a while. */
export function tickReconciliation(state: State, atMs: number, out: Commands): void {
  const { reconciliation, policy } = state;
  if (reconciliation.unanswered.size === 0) {
    reconciliation.pauseMs = policy.askAgainMs;
  } else if (atMs >= reconciliation.nextAskMs) {
    reconciliation.pauseMs = Math.min(reconciliation.pauseMs * 2, policy.askAgainMostMs);
    reconciliation.nextAskMs = atMs + reconciliation.pauseMs;
    const attempts = [...reconciliation.unanswered].map((id) => state.attempts.get(id)?.live ?? null);
    reconcile(
      state,
      attempts.filter((live) => live !== null),
      out,
    );
  }
  if (atMs >= reconciliation.nextImplicitMs) {
    reconciliation.nextImplicitMs = atMs + policy.reconcileEveryMs;
    out.call.push({ kind: 'reconcile', tasks: [] });
  }
}

function reconcile(state: State, attempts: readonly Attempt[], out: Commands): void {
  const { reconcileBatch } = state.policy;
  for (let from = 0; from < attempts.length; from += reconcileBatch) {
    const tasks = attempts
      .slice(from, from + reconcileBatch)
      .map(({ mesosTaskId, agentId }) => ({ mesosTaskId, agentId }));
    out.call.push({ kind: 'reconcile', tasks });
  }
}

function liveAttempts(state: State): Attempt[] {
  const attempts: Attempt[] = [];
  for (const task of state.attempts.values()) if (task.live !== null) attempts.push(task.live);
  return attempts;
}
