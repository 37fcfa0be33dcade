import type { TaskId } from '@juice/contracts';
import type { Commands } from './command.ts';
import type { ObservedStatus } from './event.ts';

/**
 * Acknowledges a status that asks for it: those with a uuid, repeats and those of unknown attempts too (an agent sends
 * an update until it is acknowledged, and holds back the task's next one). Being a call, it follows the frame's write.
 */
export function acknowledge(status: ObservedStatus, taskId: TaskId | null, out: Commands): void {
  if (status.uuid === null || status.agentId === null) return;
  const { mesosTaskId, agentId, uuid } = status;
  out.call.push({ kind: 'acknowledge', taskId, mesosTaskId, agentId, uuid });
}
