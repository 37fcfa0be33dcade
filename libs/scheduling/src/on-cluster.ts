import type { Commands } from './command.ts';
import { endAttempt, loseToRemoval } from './end-attempt.ts';
import type { Event } from './event.ts';
import { reconcileAll } from './on-reconciliation.ts';
import { sendKill } from './on-task.ts';
import { dropAllOffers, type State } from './state.ts';

/** A new subscription: offers of the old one are void, its unanswered calls are settled, and the cluster is asked anew. */
export function onSubscribed(state: State, event: Extract<Event, { kind: 'cluster.subscribed' }>, out: Commands): void {
  const { cluster } = state;
  // The id we had was given up for good, so what ran under it is gone.
  if (cluster.frameworkId !== null && cluster.frameworkId !== event.frameworkId)
    onFrameworkRemoved(state, event.atMs, out);
  cluster.frameworkId = event.frameworkId;
  cluster.subscribed = true;
  cluster.suppressed = false;
  cluster.filtered = false;
  dropAllOffers(state);
  for (const task of state.attempts.values()) if (task.live !== null) task.live.settled = true;
  if (cluster.loaded) askAndKill(state, event.atMs, out);
}

export function onDisconnected(state: State): void {
  state.cluster.subscribed = false;
  dropAllOffers(state);
}

/** Every task that had not ended is loaded: what the cluster knows of them decides the doubtful ones. */
export function onTakeoverCompleted(state: State, atMs: number, out: Commands): void {
  state.cluster.loaded = true;
  if (state.cluster.subscribed) askAndKill(state, atMs, out);
}

/** The master removed our framework, and killed all its tasks with it. */
export function onFrameworkRemoved(state: State, atMs: number, out: Commands): void {
  state.cluster.frameworkId = null;
  onDisconnected(state);
  for (const task of [...state.attempts.values()]) loseToRemoval(state, task, atMs, out);
}

function askAndKill(state: State, atMs: number, out: Commands): void {
  reconcileAll(state, atMs, out);
  for (const task of state.attempts.values()) if (task.killWanted) sendKill(state, task, atMs, out);
}

/**
 * The answer to an ACCEPT. Refused: none of its tasks was launched (a call of ours was wrong, or the request never left):
 * they wait again. Unknown: the shell replaces the subscription, and reconciliation tells.
 */
export function onAcceptAnswered(
  state: State,
  event: Extract<Event, { kind: 'accept.answered' }>,
  out: Commands,
): void {
  if (event.answer === 'unknown') return;
  for (const mesosTaskId of event.mesosTaskIds) {
    const task = state.attempts.get(mesosTaskId);
    if (task?.live === undefined || task.live === null) continue;
    task.live.settled = true;
    if (event.answer === 'accepted') {
      if (task.killWanted && task.live.killAgainAtMs === 0) sendKill(state, task, event.atMs, out);
      continue;
    }
    const { agentId } = task.live;
    endAttempt(
      state,
      task,
      {
        mesosTaskId,
        agentId,
        state: 'TASK_DROPPED',
        reason: 'ACCEPT_REFUSED',
        message: event.detail,
        uuid: null,
        healthy: true,
      },
      event.atMs,
      out,
    );
  }
}
