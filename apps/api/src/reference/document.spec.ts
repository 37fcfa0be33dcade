import { expect, test } from '@jest/globals';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import request from 'supertest';
import { writeExactJson } from '@juice/contracts';
import { bounds, createApiFixture } from '../../testing/api-fixture.ts';
import { createDocument } from './document.ts';

const text = writeExactJson(createDocument(bounds));

/** Stricter than the linter's own `recommended` where that only warns, and without what it wants of a public product's terms. */
const rules = {
  'no-invalid-media-type-examples': 'error',
  'no-invalid-parameter-examples': 'error',
  'no-invalid-schema-examples': 'error',
  'no-unused-components': 'error',
  'operation-2xx-response': 'error',
  'operation-4xx-response': 'off',
  'operation-operationId': 'error',
  'no-ambiguous-paths': 'off',
  'no-empty-servers': 'error',
  // It is served by whoever runs it, from wherever that is.
  'no-server-example.com': 'error',
  'info-license': 'error',
} as const;

async function lint(source: string): Promise<readonly string[]> {
  const config = await createConfig({ extends: ['recommended'], rules });
  const problems = await lintFromString({ source, config });
  return problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer ?? ''}: ${message}`);
}

test('the document passes the linter, warnings included', async () => {
  expect(await lint(text)).toEqual([]);
});

test('the linter sees what is wrong', async () => {
  const broken = text
    .replace('"operationId":"killTasks"', '"operationId":"findTasks"')
    .replace('"submitKill":true', '"submitKill":1');
  const problems = await lint(broken);
  expect(problems.some((one) => one.startsWith('operation-operationId-unique'))).toBe(true);
  expect(problems.some((one) => one.startsWith('no-invalid-media-type-examples'))).toBe(true);
});

test('it is served with the operator’s limits, exact to the last digit of an id', async () => {
  const { app } = createApiFixture();
  const response = await request(app)
    .get('/openapi.json')
    .expect(200)
    .expect('content-type', /^application\/json/);
  expect(response.text).toBe(text);
  expect(response.text).toContain('"taskId":806769905152840693,');
  expect(response.body.components.schemas.Submission.properties.resources.anyOf[0].properties.cpu.anyOf[0]).toEqual({
    ...{ type: 'number', exclusiveMinimum: 0 },
    maximum: bounds.cpus,
  });
  const etag = String(response.headers['etag']);
  await request(app).get('/openapi.json').set('If-None-Match', etag).expect(304);
  await request(app).post('/openapi.json').expect(405).expect('allow', 'GET, HEAD');
});
