import type { TaskId } from '@juice/contracts';

/**
 * The Mesos task id of an attempt: `<taskName>-<taskId>-<attempt>`, the original's form. In the name `-` and every
 * character that Mesos or a file system could trip over becomes `_`; it is cut so that the id stays within 255 bytes.
 * The id is looked up, never parsed.
 */
export function mesosTaskId(taskName: string, taskId: TaskId, attempt: number): string {
  return `${taskName.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 100)}-${taskId}-${attempt}`;
}
