import type { ObservedStatus } from './event.ts';
import type { FailureClass } from './failure-class.ts';
import type { State } from './state.ts';
import type { Task } from './task.ts';

/** What the end of an attempt says of its agent: see PenaltyBox. A kill that was asked for says nothing. */
export function judgeAgent(
  state: State,
  { live, tenant, killWanted }: Task,
  end: { readonly status: ObservedStatus; readonly failure: FailureClass; readonly atMs: number },
): void {
  const { status, failure, atMs } = end;
  const penalty = live === null ? undefined : state.agents.get(live.agentId)?.penalty;
  if (live === null || penalty === undefined || killWanted || live.preempted) return;
  const lasted = atMs - live.launchedAtMs >= state.policy.quickFailureMs;
  if (status.state === 'TASK_FINISHED' || (failure === 'own' && lasted)) penalty.lasted();
  else if (failure === 'launch') penalty.failedQuickly(tenant.id, true, atMs);
  else if (failure === 'own') penalty.failedQuickly(tenant.id, false, atMs);
}
