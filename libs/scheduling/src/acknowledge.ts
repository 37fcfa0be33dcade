import type { TaskId } from '@juice/contracts';
import type { Commands } from './command.ts';
import type { ObservedStatus } from './event.ts';
import type { State } from './state.ts';

/** What of an update is needed to acknowledge it. */
export type Receipt = Pick<ObservedStatus, 'mesosTaskId' | 'agentId' | 'uuid'>;

/**
 * Acknowledges a status that asks for it: those with a uuid, repeats and those of unknown attempts too (an agent sends
 * an update until it is acknowledged, and holds back the task's next one). Being a call, it follows the frame's write.
 */
export function acknowledge(status: Receipt, taskId: TaskId | null, out: Commands): void {
  if (status.uuid === null || status.agentId === null) return;
  const { mesosTaskId, agentId, uuid } = status;
  out.call.push({ kind: 'acknowledge', taskId, mesosTaskId, agentId, uuid });
}

/**
 * An update of an attempt that is not live. A repeat of the one that has just ended its attempt is acknowledged only if
 * that record is written, as the first.
 */
export function acknowledgeUnknown(state: State, status: Receipt, out: Commands): void {
  const { mesosTaskId } = status;
  const [taskId = null] = [...state.lastWords.current].find(([, word]) => word.mesosTaskId === mesosTaskId) ?? [];
  acknowledge(status, taskId, out);
}
