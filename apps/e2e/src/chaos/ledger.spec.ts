import { describe, expect, test } from '@jest/globals';
import { TaskState, type TaskId } from '@juice/contracts';
import { countViolations, settle, type Accepted, type Books, type StoredTask } from './ledger.ts';

const taskId = 7n as TaskId;
const task: StoredTask = {
  _id: taskId,
  taskName: 'a',
  status: TaskState.FINISHED,
  seq: 3,
  attempts: [{ mesosTaskId: 'a-7-1' }],
  history: [{ status: TaskState.STAGING }, { status: TaskState.RUNNING }, { status: TaskState.FINISHED }],
};
const told = (sequence: number, result: string, fields: Partial<Accepted> = {}): Accepted => ({
  ...{ taskId, sequence, result, id: `7_${sequence}`, isSigned: true, ...fields },
});
const right: Books = {
  submitted: [{ name: 'a', kind: 'quick', taskId }],
  stored: [task],
  runs: ['a-7-1'],
  callbacks: [told(2, 'RUNNING'), told(3, 'FINISHED')],
};
const withTask = (fields: Partial<StoredTask>): Partial<Books> => ({ stored: [{ ...task, ...fields }] });

describe('the ledger', () => {
  test('finds nothing where all is right, and counts repeats apart', () => {
    expect(settle(right)).toEqual({
      violations: {
        ...{ lost: [], misjudged: [], storedTwice: [], doubleRuns: [], untold: [], disordered: [], strange: [] },
      },
      repeats: 0,
      late: 0,
      unanswered: 0,
    });
    const again = settle({ ...right, callbacks: [...right.callbacks, told(2, 'RUNNING'), told(3, 'FINISHED')] });
    expect([again.repeats, countViolations(again.violations)]).toEqual([2, 0]);
  });

  test('counts apart what was given up before it arrived', () => {
    const callbacks = [told(3, 'FINISHED'), told(2, 'RUNNING')];
    const settled = settle({ ...right, ...withTask({ callback: { supersededSeqs: [2] } }), callbacks });
    expect([settled.late, countViolations(settled.violations)]).toEqual([1, 0]);
  });

  test('lets a task be that was stored and never answered, and could not be killed', () => {
    const submitted = [{ name: 'a', kind: 'killed' as const, taskId: null }];
    const settled = settle({ ...right, submitted });
    expect([settled.unanswered, countViolations(settled.violations)]).toEqual([1, 0]);
  });

  test.each<[string, string, Partial<Books>]>([
    ['lost', 'a 7 is not stored', { stored: [], runs: [], callbacks: [] }],
    ['lost', 'a 7 has not ended: RUNNING', withTask({ status: TaskState.RUNNING })],
    ['lost', 'a 7 has ended 2 times', withTask({ history: [...task.history, { status: TaskState.LOST }] })],
    ['misjudged', 'a 7 (retried) ended FINISHED, not FAILED', { submitted: [{ name: 'a', kind: 'retried', taskId }] }],
    ['misjudged', 'a 7 was submitted by nobody', { submitted: [] }],
    ['storedTwice', 'a is stored more than once', { stored: [task, { ...task, attempts: task.attempts }] }],
    ['doubleRuns', 'a-7-1 ran more than once', { runs: ['a-7-1', 'a-7-1', 'a-7-1'] }],
    [
      'doubleRuns',
      'a 7 ran in 2 attempts, 1 at most was right',
      { ...withTask({ attempts: [...task.attempts, { mesosTaskId: 'a-7-2' }] }), runs: ['a-7-1', 'a-7-2'] },
    ],
    ['doubleRuns', 'a-7-2 ran and is no attempt of record', { runs: ['a-7-1', 'a-7-2'] }],
    ['doubleRuns', 'a 7 is FINISHED and never ran', { runs: [] }],
    ['untold', 'a 7 ended FINISHED, and that was not called back', { callbacks: [told(2, 'RUNNING')] }],
    ['untold', 'a 7 was called back as LOST', { callbacks: [told(3, 'LOST')] }],
    ['disordered', '7_2 came after 3', { callbacks: [told(3, 'FINISHED'), told(2, 'RUNNING')] }],
    [
      'strange',
      '8_1 is of no task',
      { callbacks: [...right.callbacks, told(1, 'X', { taskId: 8n as TaskId, id: '8_1' })] },
    ],
    ['strange', '7_3 has no good signature', { callbacks: [told(3, 'FINISHED', { isSigned: false })] }],
  ])('%s: %s', (promise, sentence, wrong) => {
    const { violations } = settle({ ...right, ...wrong });
    expect(violations[promise as keyof typeof violations]).toContain(sentence);
  });
});
