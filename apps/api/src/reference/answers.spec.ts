import { expect, test } from '@jest/globals';
import request from 'supertest';
import { parseExactJson, TaskState, type TaskId } from '@juice/contracts';
import { adminKey, startAdmin } from '../../testing/admin-client.ts';
import { requestsOf } from '../../testing/route-requests.ts';
import { strictly } from '../../testing/strictly.ts';
import { routes } from './routes.ts';
import { answerSchemas } from './schemas.ts';

// Every request that the reference gives as an example is sent, and what comes is held to what the reference says.

/** Of every answer, written out: what a browser could do with it is switched off. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
};

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** They name a key, a secret or a replay that only another request makes, or ask a scheduler: see the specs of those routes. */
const refusedHere = [
  'rotateKey',
  'revokeKey',
  'rotateAdminKey',
  'revokeAdminKey',
  'removeCallbackSecret',
  'surveyQueue',
  ...['show', 'pause', 'resume', 'cancel'].flatMap((word) => [`${word}Replay`, `admin${capital(word)}Replay`]),
];

const requests = routes.filter(({ answer }) => 'data' in answer).flatMap(requestsOf);

test.each(requests.map((one) => [one.about, one] as const))('%s', async (about, { route, send, namesTask }) => {
  const client = startAdmin();
  const { key } = await client.newKey('acme');
  const submitted = await client.withKey(key, 'post', '/v1/tasks', {
    ...{
      taskName: 'night-1',
      container: { docker: { image: 'a' } },
      labels: { team: 'red' },
      env: { name: 'A', value: 'b' },
    },
    callbackUrl: 'http://localhost/hook',
  });
  const { taskId } = (parseExactJson(submitted.text) as { data: { taskId: TaskId } }).data;
  client.tasks.change(taskId, { status: TaskState.KILLED, message: 'ended' });
  const authorization = { Authorization: `Bearer ${route.caller === 'admin' ? adminKey : key}` };
  const { status, text, headers } = await send(client.app, taskId, { ...authorization, 'If-Match': '*' });
  expect(headers).toMatchObject({ ...securityHeaders, 'x-request-id': expect.any(String) });
  const body = parseExactJson(text) as { data?: unknown };
  if (status !== 200) {
    strictly(answerSchemas.Failure).parse(body);
    // The query by ids wants ids, and a kill says what it is to kill.
    const saysNothing = ['findTasks', 'killTasks'].includes(route.id) && !namesTask;
    // Nothing is dead here, so there is no group.
    const namesGroup = about.endsWith('/replays a group');
    const isMeant = saysNothing || namesGroup || refusedHere.includes(route.id);
    expect({ status, isMeant }).toEqual({ status, isMeant: true });
    return;
  }
  const named = 'data' in route.answer ? route.answer.data : [];
  expect(named.filter((name) => strictly(answerSchemas[name]).safeParse(body.data).success)).not.toEqual([]);
});

// What is no data in the envelope is written elsewhere, and what is refused by no route. A page's own policy and what may be kept of it differ.
test.each([
  ['get', '/livez'],
  ['get', '/readyz'],
  ['get', '/metrics'],
  ['get', '/openapi.json'],
  ['get', '/docs'],
  ['get', '/nowhere'],
  ['delete', '/v1/tasks'],
  ['post', '/v1/tasks'],
  ['options', '/v1/tasks'],
] as const)('%s %s has the headers that every answer has', async (method, path) => {
  const { app } = startAdmin();
  const { headers } = await request(app)[method](path);
  const { 'cache-control': _kept, 'content-security-policy': _policy, ...others } = securityHeaders;
  expect(headers).toMatchObject({ ...others, 'x-request-id': expect.any(String) });
  for (const name of ['cache-control', 'content-security-policy']) expect(headers).toHaveProperty(name);
});
