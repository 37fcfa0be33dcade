import { TaskState, type TaskId } from '@juice/contracts';
import { acknowledge, acknowledgeUnknown } from './acknowledge.ts';
import type { Commands } from './command.ts';
import type { Event, ObservedStatus } from './event.ts';
import { isLoss, resultUnknown } from './failure-class.ts';
import { askForNews } from './on-reconciliation.ts';
import type { State } from './state.ts';
import type { Attempt } from './task.ts';
import { record } from './transitions.ts';

const said = 'an update of it could not be read and is in quarantine';

/**
 * An update that could not be read may have been its attempt's last, and once that is acknowledged the cluster forgets the
 * task and says that it is gone. So the attempt is marked, in the store before anything else; the cluster is asked what it
 * knows; and only when it has said something, or the update comes again, is the update acknowledged. Asked while it still
 * knows the task, a master tells the end that its agent could not make us understand.
 */
export function onUpdateQuarantined(
  state: State,
  event: Extract<Event, { kind: 'update.quarantined' }>,
  out: Commands,
): void {
  const { mesosTaskId, agentId, uuid, atMs } = event;
  const task = state.attempts.get(mesosTaskId);
  const live = task?.live ?? null;
  if (task === undefined || live === null) return acknowledgeUnknown(state, event, out);
  live.settled = true;
  if (live.quarantined) {
    // Asked already: an answer that is as unreadable must not be asked for again and again.
    live.unread = null;
    acknowledge(event, task.taskId, out);
    return;
  }
  live.quarantined = true;
  live.unread = { mesosTaskId, agentId, uuid };
  const status = statusOf[live.state];
  record(task, out, { atMs, status, message: said, reason: 'UPDATE_QUARANTINED', change: { kind: 'quarantine' } });
  askForNews(state, [live], atMs, out);
}

const statusOf: Readonly<Record<Attempt['state'], TaskState>> = {
  launching: TaskState.STAGING,
  running: TaskState.RUNNING,
  unreachable: TaskState.UNREACHABLE,
};

/** The cluster has said something of an attempt: what was left unread of it is kept for nothing any more. */
export function acknowledgeUnread(live: Attempt, taskId: TaskId, out: Commands): void {
  if (live.unread === null) return;
  acknowledge(live.unread, taskId, out);
  live.unread = null;
}

/** The end of an attempt, where it is none that anybody saw: its last update may be the one that was not read. */
export function judgeUnread({ quarantined }: Attempt, status: ObservedStatus): ObservedStatus {
  if (!quarantined || !isLoss(status.state) || status.reason === resultUnknown) return status;
  const heard = status.message === '' ? status.state : `${status.state}: ${status.message}`;
  return { ...status, reason: resultUnknown, message: `${said}: it may have finished (${heard})` };
}
