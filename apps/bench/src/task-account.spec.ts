import { expect, test } from '@jest/globals';
import { TaskState } from '@juice/contracts';
import { settleTasks } from './task-account.ts';

const accepted = [
  { taskIdStr: '1', mark: '/a', sentAtMs: 1_000 },
  { taskIdStr: '2', mark: '/b', sentAtMs: 2_000 },
];
const event = (taskIdStr: string, taskStatus: TaskState, atMs: number) => ({
  ...{ taskIdStr, taskStatus },
  at: new Date(atMs).toISOString(),
});
const events = [
  event('1', TaskState.STAGING, 1_010),
  event('1', TaskState.RUNNING, 1_020),
  event('1', TaskState.FINISHED, 1_120),
  event('2', TaskState.STAGING, 2_030),
  event('2', TaskState.RUNNING, 2_050),
  event('2', TaskState.FINISHED, 2_150),
];

test('every task ended once and was called back once', () => {
  expect(settleTasks(accepted, events, ['/b', '/a'])).toEqual({
    ...{ accepted: 2, finishedOnce: 2, calledBackOnce: 2, strange: 0, isRight: true },
    ...{ toLaunchedMs: [10, 30], toRunningMs: [20, 50] },
  });
});

test.each([
  ['a callback is missing', events, ['/a'], { calledBackOnce: 1 }],
  ['a callback came twice', events, ['/a', '/b', '/b'], { calledBackOnce: 1 }],
  ['a callback is of no accepted task', events, ['/a', '/b', '/c'], { strange: 1 }],
  ['a task has not ended', events.slice(0, -1), ['/a', '/b'], { finishedOnce: 1 }],
  ['a task ended twice', [...events, event('2', TaskState.FAILED, 3_000)], ['/a', '/b'], { finishedOnce: 1 }],
  ['a task failed', [...events.slice(0, -1), event('2', TaskState.FAILED, 2_150)], ['/a', '/b'], { finishedOnce: 1 }],
])('is not right when %s', (_what, given, marks, told) => {
  expect(settleTasks(accepted, given, marks)).toMatchObject({ isRight: false, ...told });
});
