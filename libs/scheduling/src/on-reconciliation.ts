import type { TaskId } from '@juice/contracts';
import type { Commands } from './command.ts';
import { canCall, type State } from './state.ts';
import type { Attempt } from './task.ts';

/**
 * Asking the cluster what it knows. Explicit: about named attempts, a batch at a time, and again with a growing pause
 * until each is answered; silence is legal while agents find a master that has just taken over. Implicit: for all it
 * knows, which shows what we do not know. All live attempts are asked about after each subscription and now and then, for
 * what the master has forgotten is in no implicit answer; the two kinds take turns.
 */
export function reconcileAll(state: State, atMs: number, out: Commands): void {
  const { reconciliation, policy } = state;
  reconciliation.unanswered.clear();
  reconciliation.queued.clear();
  reconciliation.pauseMs = policy.askAgainMs;
  reconciliation.nextAskMs = 0;
  // Beside the first explicit rounds, not in their midst; from then on halfway between two of them.
  reconciliation.nextImplicitMs = atMs + policy.askAgainMs / 2;
  reconciliation.nextExplicitMs = atMs + policy.reconcileEveryMs / 2;
  askForNews(state, liveAttempts(state), atMs, out);
}

/** Asks about these attempts, the first of them at once. */
export function askForNews(state: State, attempts: Iterable<Attempt>, atMs: number, out: Commands): void {
  for (const attempt of attempts) queueForNews(state, attempt);
  if (canCall(state)) askNext(state, atMs, out);
}

/** The attempt is asked about with the next batches. */
export function queueForNews({ reconciliation }: State, attempt: Attempt): void {
  // An unanswered ACCEPT must not be overtaken: the master would answer GONE for a task that then starts.
  if (!attempt.settled) return;
  reconciliation.unanswered.add(attempt.mesosTaskId);
  reconciliation.queued.add(attempt.mesosTaskId);
}

export function onReconcileRequested(state: State, taskIds: readonly TaskId[], atMs: number, out: Commands): void {
  const attempts = taskIds.map((taskId) => state.tasks.get(taskId)?.live ?? null).filter((live) => live !== null);
  askForNews(state, attempts, atMs, out);
}

/** An agent failed: after a master's failover this is the only sign, there is no update per task. */
export function onAgentFailed(state: State, agentId: string, atMs: number, out: Commands): void {
  state.agents.forget(agentId);
  askForNews(
    state,
    liveAttempts(state).filter((attempt) => attempt.agentId === agentId),
    atMs,
    out,
  );
}

export function tickReconciliation(state: State, atMs: number, out: Commands): void {
  const { reconciliation, policy } = state;
  const { unanswered, queued } = reconciliation;
  if (unanswered.size === 0) {
    reconciliation.pauseMs = policy.askAgainMs;
  } else if (queued.size === 0 && atMs >= reconciliation.nextAskMs) {
    reconciliation.pauseMs = Math.min(reconciliation.pauseMs * 2, policy.askAgainMostMs);
    for (const id of unanswered) queued.add(id);
  }
  if (atMs >= reconciliation.nextExplicitMs) {
    reconciliation.nextExplicitMs = atMs + policy.reconcileEveryMs;
    askForNews(state, liveAttempts(state), atMs, out);
  } else {
    askNext(state, atMs, out);
  }
  if (atMs >= reconciliation.nextImplicitMs) {
    reconciliation.nextImplicitMs = atMs + policy.reconcileEveryMs;
    out.call.push({ kind: 'reconcile', tasks: [] });
  }
}

/** The next batch of what is queued. */
function askNext(state: State, atMs: number, out: Commands): void {
  const { reconciliation, policy } = state;
  const tasks: { mesosTaskId: string; agentId: string }[] = [];
  for (const mesosTaskId of reconciliation.queued) {
    if (tasks.length === policy.reconcileBatch) break;
    reconciliation.queued.delete(mesosTaskId);
    const live = state.attempts.get(mesosTaskId)?.live;
    if (live !== undefined && live !== null) tasks.push({ mesosTaskId, agentId: live.agentId });
  }
  if (tasks.length === 0) return;
  out.call.push({ kind: 'reconcile', tasks });
  if (reconciliation.nextAskMs <= atMs) reconciliation.nextAskMs = atMs + reconciliation.pauseMs;
}

function liveAttempts(state: State): Attempt[] {
  const attempts: Attempt[] = [];
  for (const task of state.attempts.values()) if (task.live !== null) attempts.push(task.live);
  return attempts;
}
