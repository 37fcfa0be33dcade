import { describe, expect, test } from '@jest/globals';
import { queueSurvey, whyWaiting, type TaskId } from '@juice/contracts';
import { createState, defaultPolicy, surveyQueue, whyWaiting as explain } from '@juice/scheduling';
import { testPatterns } from '@juice/scheduling/testing';
import { createAnswerInquiry } from './answer-inquiry.ts';
import type { Inquiries } from './runner.ts';

const state = createState(defaultPolicy, testPatterns);
const asked: TaskId[] = [];
const leading: Inquiries = {
  why(taskId) {
    asked.push(taskId);
    return explain(state, taskId, 1);
  },
  survey: () => surveyQueue(state, 1),
};

function ask(path: string, { authorization = 'Bearer a secret', inquiries = leading as Inquiries | null } = {}) {
  return createAnswerInquiry({ secret: 'a secret', inquiries: () => inquiries })({ path, authorization });
}

function read(body: string | undefined): unknown {
  return JSON.parse(body ?? 'null') as unknown;
}

describe('the leader’s answers to the api', () => {
  test('why a task waits, by its whole id', () => {
    const answer = ask('/internal/v1/why/9007199254740993');
    expect(answer?.status).toBe(200);
    expect(whyWaiting.parse(read(answer?.body))).toMatchObject({ taskIdStr: '9007199254740993', state: 'unknown' });
    expect(asked.at(-1)).toBe(9007199254740993n);
  });

  test('what waits over all', () => {
    const answer = ask('/internal/v1/queue');
    expect(answer?.status).toBe(200);
    expect(queueSurvey.parse(read(answer?.body))).toMatchObject({ waiting: 0, running: 0, tenants: [] });
  });

  test.each(['', 'Bearer ', 'Bearer another', 'Basic a secret', 'a secret'])(
    'not to whoever says “%s”',
    (authorization) => {
      for (const path of ['/internal/v1/queue', '/internal/v1/why/1']) {
        expect(ask(path, { authorization })).toMatchObject({ status: 401 });
      }
    },
  );

  test('503 from one that does not lead', () => {
    expect(ask('/internal/v1/queue', { inquiries: null })).toMatchObject({ status: 503 });
    expect(ask('/internal/v1/why/1', { inquiries: null })).toMatchObject({ status: 503 });
  });

  test('404 for what is no id, and nothing for what is none of its paths', () => {
    for (const id of ['', 'abc', '0', '-1', '9223372036854775808'])
      expect(ask(`/internal/v1/why/${id}`)).toMatchObject({ status: 404 });
    for (const path of ['/', '/metrics', '/internal/v1/queues', '/internal']) expect(ask(path)).toBeNull();
  });
});
