import { parseTaskId, type TaskId } from '@juice/contracts';

/**
 * The Mesos task id of an attempt: `<taskName>-<taskId>-<attempt>`, the original's form. In the name `-` and every
 * character that Mesos or a file system could trip over becomes `_`; it is cut so that the id stays within 255 bytes.
 */
export function mesosTaskId(taskName: string, taskId: TaskId, attempt: number): string {
  const isPlain = taskName.length <= 100 && /^[A-Za-z0-9_.]*$/.test(taskName);
  return `${isPlain ? taskName : taskName.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 100)}-${taskId}-${attempt}`;
}

/**
 * Whose attempt an id may be: where to look, not what is true. Ids are looked up and never believed, so what is found must
 * have an attempt of exactly this id. null when it cannot be one of ours.
 */
export function attemptIn(mesosTaskId: string): { readonly taskId: TaskId; readonly attempt: number } | null {
  const [, digits = '', attempt] = /-(\d+)-(\d+)$/.exec(mesosTaskId) ?? [];
  const taskId = parseTaskId(digits);
  return taskId === null ? null : { taskId, attempt: Number(attempt) };
}
