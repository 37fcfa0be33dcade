import { describe, expect, test } from '@jest/globals';
import { parseExactJson, TaskState, type TaskId } from '@juice/contracts';
import { callbackBody, callbackId, type CallbackFacts } from './payload.ts';

const atMs = Date.parse('2016-12-08T08:03:08.123Z');
const facts: CallbackFacts = {
  taskId: 806769905152840693n as TaskId,
  tenantId: 'acme',
  taskName: 'render-frame',
  submittedAtMs: Date.parse('2016-12-08T07:58:29.000Z'),
  state: {
    seq: 3,
    status: TaskState.FINISHED,
    attempt: 1,
    message: 'Command exited with status 0 ✓',
    reason: null,
    atMs,
    exitCode: 0,
  },
  run: {
    mesosTaskId: 'render_frame-806769905152840693-1',
    frameworkId: 'f-1',
    agentId: 'a-1',
    agentHost: 'agent7',
    agentPort: 5052,
    launchedAtMs: Date.parse('2016-12-08T07:58:30.000Z'),
  },
};

describe('the body', () => {
  test("has the original's members first, and ours after them", () => {
    const sandbox = '/frameworks/f-1/executors/render_frame-806769905152840693-1/runs/latest';
    const text = callbackBody(facts).toString();
    expect(text).toMatch(
      /^{"taskId":806769905152840693,"result":"FINISHED","message":"Command exited with status 0 ✓","source":/,
    );
    expect(parseExactJson(text)).toEqual({
      taskId: 806769905152840693n,
      result: 'FINISHED',
      message: 'Command exited with status 0 ✓',
      source: sandbox,
      logs: [
        `http://agent7:5052/files/download?path=${sandbox}/stdout`,
        `http://agent7:5052/files/download?path=${sandbox}/stderr`,
      ],
      type: 'task.status_changed',
      timestamp: '2016-12-08T08:03:08.123Z',
      taskIdStr: '806769905152840693',
      tenantId: 'acme',
      taskName: 'render-frame',
      taskStatus: 2,
      sequence: 3,
      attempt: 1,
      reason: null,
      exitCode: 0,
      agentHost: 'agent7',
      submittedAt: '2016-12-08T07:58:29.000Z',
      launchedAt: '2016-12-08T07:58:30.000Z',
      finishedAt: '2016-12-08T08:03:08.123Z',
    });
  });

  test('of a task that was never launched', () => {
    const state = { ...facts.state, status: TaskState.KILLED, attempt: 0, message: 'task is killed', exitCode: null };
    expect(parseExactJson(callbackBody({ ...facts, state, run: null }).toString())).toMatchObject({
      result: 'KILLED',
      source: '',
      logs: [],
      agentHost: null,
      exitCode: null,
      launchedAt: null,
    });
  });

  test('a state that is no end has not finished; an agent without a port has the usual one', () => {
    const run = {
      ...(facts.run as NonNullable<CallbackFacts['run']>),
      agentPort: null,
      agentHost: 'fd00::7',
      frameworkId: 'f 1&x',
    };
    const state = { ...facts.state, status: TaskState.RUNNING };
    const text = callbackBody({ ...facts, state, run }).toString();
    expect(parseExactJson(text)).toMatchObject({ result: 'RUNNING', finishedAt: null });
    expect(text).toContain('http://[fd00::7]:5051/files/download?path=/frameworks/f%201%26x/executors/');
  });

  test('the id names the task and the state, without a dot', () => {
    expect(callbackId(facts)).toBe('806769905152840693_3');
  });
});
