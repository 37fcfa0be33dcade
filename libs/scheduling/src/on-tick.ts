import { TaskState } from '@juice/contracts';
import type { Commands } from './command.ts';
import { endAttempt } from './end-attempt.ts';
import type { Event } from './event.ts';
import { declineOldOffers } from './on-offers.ts';
import { queueForNews, tickReconciliation } from './on-reconciliation.ts';
import { noMatterHowEmpty } from './explaining/too-large.ts';
import { endWaiting, sendKill } from './on-task.ts';
import { hasOverrun } from './run-limit.ts';
import { preempt } from './matching/preemption.ts';
import { reviewReservations } from './matching/reservations.ts';
import { canCall, endPauses, type State } from './state.ts';

/** The passing of time. No deadline here starts another attempt of a launch in doubt: it only asks. */
export function onTick(state: State, event: Extract<Event, { kind: 'clock.ticked' }>, out: Commands): void {
  const { atMs } = event;
  endPauses(state, atMs);
  state.agents.review(atMs);
  expireWaiting(state, atMs, out);
  if (!canCall(state)) return;
  watchAttempts(state, atMs, out);
  // What we ask for comes back as events: not while there are too many of them already.
  if (event.backlog <= state.policy.backlogMost) tickReconciliation(state, atMs, out);
  const { all, roles } = state.launchStops;
  if (all === null && reviewReservations(state, atMs)) state.mayMatch = true;
  // Nobody is stopped for a task that may not be launched.
  if (all === null && roles.size === 0) preempt(state, atMs, out);
  declineOldOffers(state, atMs, out);
}

function expireWaiting(state: State, atMs: number, out: Commands): void {
  for (const task of state.expiring.due(atMs)) {
    const { role } = task.shape;
    const among = role === '*' ? '' : ` among offers of the role ${role}`;
    const tooLarge = noMatterHowEmpty(state, task);
    const why = tooLarge === null ? '' : `: ${tooLarge}`;
    const message = `no room was found for it within ${Math.round(task.patienceMs / 1000)} seconds${among}${why}`;
    endWaiting(state, task, { status: TaskState.EXPIRED, message }, atMs, out);
  }
}

function watchAttempts(state: State, atMs: number, out: Commands): void {
  for (const task of [...state.attempts.values()]) {
    const { live } = task;
    if (live === null) continue;
    if (live.hearsay !== null) {
      if (atMs >= live.hearsay.untilMs) endAttempt(state, task, live.hearsay.status, atMs, out);
      continue;
    }
    const lostAfterMs = task.lostAfterMs ?? state.policy.lostAfterMs;
    if (live.lostSinceMs > 0 && lostAfterMs > 0 && atMs - live.lostSinceMs >= lostAfterMs) {
      const seen = live.state === 'unreachable' ? 'TASK_UNREACHABLE' : 'TASK_UNKNOWN';
      const message = `its agent was not heard of for ${Math.round(lostAfterMs / 1000)} seconds`;
      const { mesosTaskId, agentId } = live;
      endAttempt(
        state,
        task,
        { mesosTaskId, agentId, state: seen, reason: 'GIVEN_UP', message, uuid: null, healthy: true },
        atMs,
        out,
      );
      continue;
    }
    if (live.askNewsAtMs > 0 && atMs >= live.askNewsAtMs) {
      live.askNewsAtMs = atMs + state.policy.launchNewsMs;
      queueForNews(state, live);
    }
    const overrun = live.state === 'running' && live.killAgainAtMs === 0 && hasOverrun(state, task, atMs);
    const unheeded = live.killAgainAtMs > 0 && atMs >= live.killAgainAtMs;
    if (overrun || unheeded) sendKill(state, task, atMs, out);
  }
}
