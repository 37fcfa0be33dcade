import { expect, test } from '@jest/globals';
import { isEndState, liveStates, TaskState, taskStateName } from './task-state.ts';

test('the numbers are the original’s', () => {
  const names = Object.values(TaskState).map((state) => [state, taskStateName(state)]);
  expect(names).toEqual([
    [-1, 'NOT_START'],
    [0, 'STAGING'],
    [1, 'RUNNING'],
    [2, 'FINISHED'],
    [3, 'FAILED'],
    [4, 'LOST'],
    [5, 'ERROR'],
    [6, 'KILLED'],
    [7, 'UNREACHABLE'],
    [8, 'DROPPED'],
    [9, 'GONE'],
    [10, 'GONE_BY_OPERATOR'],
    [11, 'UNKNOWN'],
    [12, 'EXPIRED'],
  ]);
});

test('a state is live or an end, never both: UNREACHABLE is live, for its agent may come back', () => {
  for (const state of Object.values(TaskState)) expect(isEndState(state)).toBe(!liveStates.includes(state));
  expect(isEndState(TaskState.UNREACHABLE)).toBe(false);
  expect(isEndState(TaskState.UNKNOWN)).toBe(true);
});
