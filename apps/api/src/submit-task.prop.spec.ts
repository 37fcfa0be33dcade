import { createServer } from 'node:http';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import request from 'supertest';
import { failureAnswer, parseExactJson, type TaskSpec } from '@juice/contracts';
import { nothingAsked } from '@juice/contracts/testing';
import { createApiFixture, seedInstantMs } from '../testing/api-fixture.ts';
import { submissionParts } from '../testing/submission-parts.ts';
import { openPolicy } from './machine-policy.ts';

test('every submission is stored as it was meant, or refused for what is wrong with it', async () => {
  const { submitTask, tasks } = createApiFixture({ policy: openPolicy });
  const submission = fc.asyncProperty(submissionParts, async (parts) => {
    const body = Object.assign({}, ...parts.map((part) => part.body)) as object;
    const blamed = parts.flatMap((part) => ('blames' in part ? [part.blames] : []));
    const storedBefore = tasks.stored.size;
    const outcome = await submitTask({ tenantId: 't', body, traceparent: null });
    if (!outcome.ok) {
      expect(outcome.problems.map(({ member }) => member).toSorted()).toEqual(blamed.toSorted());
      expect(tasks.stored.size).toBe(storedBefore);
      return;
    }
    expect(blamed).toEqual([]);
    const means = Object.assign({}, ...parts.map((part) => ('means' in part ? part.means : {}))) as Partial<TaskSpec>;
    const task = tasks.stored.get(outcome.taskId);
    expect(task?.spec).toEqual({ ...nothingAsked, ...means });
    expect(task).toMatchObject({ tenantId: 't', submitAtMs: seedInstantMs });
  });
  await fc.assert(submission, { numRuns: 500 });
});

test('any text at all is answered with the envelope, and stored only when it is answered with an id', async () => {
  const { app, tasks } = createApiFixture();
  const member = fc.constantFrom(
    'taskName',
    'commands',
    'container',
    'env',
    'envs',
    'args',
    'resources',
    'docker',
    'image',
  );
  const { value: nested } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.jsonValue({ maxDepth: 1 }),
      fc.string({ unit: 'binary' }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(member, fc.string()), tie('value'), { maxKeys: 6, noNullPrototype: true }),
    ),
  }));
  const text = fc.oneof(
    nested.map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary' }),
    fc.json(),
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  try {
    const anything = fc.asyncProperty(text, async (text) => {
      const storedBefore = tasks.stored.size;
      const response = await request(server).post('/v1/tasks').set('X-Tenant-Id', 't').type('json').send(text);
      if (response.status === 200) {
        expect(parseExactJson(response.text)).toMatchObject({ status: 0, data: { taskId: expect.any(BigInt) } });
        expect(tasks.stored.size).toBe(storedBefore + 1);
      } else {
        expect(response.status).toBe(400);
        failureAnswer.parse(response.body);
        expect(tasks.stored.size).toBe(storedBefore);
      }
    });
    await fc.assert(anything, { numRuns: 300 });
  } finally {
    server.close();
  }
});
