import { expect, test } from '@jest/globals';
import {
  cursorAfter,
  firstCursorOf,
  streamEndData,
  streamResetData,
  taskEventData,
  TaskState,
  type TaskId,
} from '@juice/contracts';
import { parseExactJson } from '@juice/contracts';
import { endFrame, eventFrame, heartbeatFrame, openingFrame, resetFrame } from './event-frames.ts';

const cursor = cursorAfter(firstCursorOf(12), 345);
const event = {
  cursor,
  taskId: 806769905152840693n as TaskId,
  tenantId: '10002',
  seq: 3,
  status: TaskState.GONE_BY_OPERATOR,
  attempt: 2,
  message: 'two\nlines and "quotes"',
  reason: 'REASON_AGENT_REMOVED_BY_OPERATOR',
  atMs: Date.UTC(2016, 11, 8, 7, 58, 29, 7),
};

test('an event is written with its place, its state and its task’s exact id', () => {
  expect(eventFrame(event)).toBe(
    [
      'id: 12-345',
      'event: task.gone_by_operator',
      'data: {"taskId":806769905152840693,"taskIdStr":"806769905152840693","sequence":3,"taskStatus":10,' +
        '"taskStatusName":"GONE_BY_OPERATOR","attempt":2,"message":"two\\nlines and \\"quotes\\"",' +
        '"reason":"REASON_AGENT_REMOVED_BY_OPERATOR","at":"2016-12-08T07:58:29.007Z"}',
      '',
      '',
    ].join('\n'),
  );
  expect(eventFrame({ ...event, reason: null })).not.toContain('reason');
});

test('what is no event has no data, or is named', () => {
  expect(openingFrame(cursor, 1500)).toBe('retry: 1500\nid: 12-345\n\n');
  expect(heartbeatFrame(cursor)).toBe(': heartbeat\nid: 12-345\n\n');
  expect(endFrame(event)).toMatch(/^event: end\ndata: \{"taskId":806769905152840693,.*\}\n\n$/);
  expect(resetFrame(cursor)).toMatch(/^event: reset\ndata: \{"lastEventId":"12-345",.*\}\n\n$/);
});

test('data is as its schema says', () => {
  const dataOf = (frame: string): unknown => parseExactJson(/^data: (.*)$/m.exec(frame)?.[1] ?? '');
  expect(taskEventData.safeParse(dataOf(eventFrame(event))).success).toBe(true);
  expect(streamEndData.safeParse(dataOf(endFrame(event))).success).toBe(true);
  expect(streamResetData.safeParse(dataOf(resetFrame(cursor))).success).toBe(true);
});
