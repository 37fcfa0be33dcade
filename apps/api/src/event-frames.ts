import {
  taskStateName,
  writeEventCursor,
  writeExactJson,
  type EventCursor,
  type LoggedEvent,
  type StreamEndData,
  type StreamResetData,
  type TaskEventData,
  type TaskId,
  type TaskState,
} from '@juice/contracts';

/*
 * The texts of an event stream (`text/event-stream`, as HTML's server-sent events have it). JSON has no line breaks in it, so that data
 * is one line. A frame with an id and no data is no event to a client, but what it sends back as Last-Event-ID afterwards.
 */

/** The first frame: when to come back after the stream has ended, and from where. */
export function openingFrame(position: EventCursor, retryMs: number): string {
  return `retry: ${retryMs}\n${idLine(position)}\n`;
}

/** A sign of life; everything of this stream up to a place has been sent. */
export function heartbeatFrame(position: EventCursor): string {
  return `: heartbeat\n${idLine(position)}\n`;
}

export function eventFrame(event: LoggedEvent): string {
  const { taskId, seq, status, attempt, message, reason, atMs } = event;
  const name = taskStateName(status);
  const data: TaskEventData = {
    taskId,
    taskIdStr: String(taskId),
    sequence: seq,
    taskStatus: status,
    taskStatusName: name,
    attempt,
    message,
    ...(reason !== null && { reason }),
    at: new Date(atMs).toISOString(),
  };
  return `${idLine(event.cursor)}event: task.${name.toLowerCase()}\ndata: ${writeExactJson(data)}\n\n`;
}

/** The task has ended and nothing more will come. */
export function endFrame(task: { readonly taskId: TaskId; readonly status: TaskState; readonly seq: number }): string {
  const data: StreamEndData = {
    taskId: task.taskId,
    taskIdStr: String(task.taskId),
    sequence: task.seq,
    taskStatus: task.status,
    taskStatusName: taskStateName(task.status),
  };
  return `event: end\ndata: ${writeExactJson(data)}\n\n`;
}

/** What came next after a place is not known to be kept any more. */
export function resetFrame(given: EventCursor): string {
  const message = 'events after this one may be missing: they are no longer kept; all that are kept follow';
  const data: StreamResetData = { lastEventId: writeEventCursor(given), message };
  return `event: reset\ndata: ${writeExactJson(data)}\n\n`;
}

function idLine(cursor: EventCursor): string {
  return `id: ${writeEventCursor(cursor)}\n`;
}
