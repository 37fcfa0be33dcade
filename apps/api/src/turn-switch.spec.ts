import { expect, test } from '@jest/globals';
import request, { type Test } from 'supertest';
import { ErrorCode, switchAnswer, switchesAnswer } from '@juice/contracts';
import { dataOf, failureOf, startAdmin, type AdminClient } from '../testing/admin-client.ts';

const task = { taskName: 'a', commands: 'true' };
const reason = 'the database is moved until noon';

function start(): AdminClient & { submit(path?: string, body?: object, key?: string): Test } {
  const client = startAdmin({ auth: 'header' });
  return {
    ...client,
    submit(path = '/v1/tasks', body = task, key) {
      const sent = request(client.app).post(path).set('X-Tenant-Id', 'acme').send(body);
      return key === undefined ? sent : sent.set('Idempotency-Key', key);
    },
  };
}

const turn = (client: AdminClient, name: string, on: boolean): Test =>
  client.admin('put', `/v1/admin/switches/${encodeURIComponent(name)}`, { on, reason });

test('everything is off, is turned on with a reason and off again, and all processes are told', async () => {
  const client = start();
  const shown = async () =>
    dataOf(switchesAnswer, await client.admin('get', '/v1/admin/switches').expect(200)).switches;
  const off = [
    { name: 'stop-intake', on: false },
    { name: 'stop-launching', on: false },
  ];
  expect(await shown()).toEqual(off);
  const on = dataOf(switchAnswer, await turn(client, 'drain-scheduler:s1.example', true).expect(200));
  const at = '2016-12-08T07:58:29.000Z';
  expect(on).toEqual({
    ...{ name: 'drain-scheduler:s1.example', on: true, reason },
    ...{ since: at, changedAt: at, by: 'bootstrap' },
  });
  client.advance(60_000);
  const again = dataOf(switchAnswer, await turn(client, 'drain-scheduler:s1.example', true).expect(200));
  expect(again).toEqual({ ...on, changedAt: '2016-12-08T07:59:29.000Z' });
  expect(await shown()).toEqual([again, ...off]);
  const ended = await turn(client, 'drain-scheduler:s1.example', false).expect(200);
  expect(dataOf(switchAnswer, ended)).toEqual({ name: 'drain-scheduler:s1.example', on: false });
  expect(await shown()).toEqual(off);
  const told = { exchange: 'juice.commands', routingKey: 'command.switches-changed' };
  const body = { v: 1, kind: 'switches-changed' };
  expect(client.published).toEqual([1, 2, 3].map(() => ({ ...told, body })));
  const target = 'drain-scheduler:s1.example';
  expect(client.audits.records).toMatchObject(
    ['turnedOn', 'turnedOn', 'turnedOff'].map((word) => {
      return { action: `switch.${word}`, tenantId: null, target, outcome: 'done', detail: { reason } };
    }),
  );
});

test('while intake is stopped submissions are refused with the reason, and nothing else is', async () => {
  const client = start();
  const earlier = await client.submit('/v1/tasks', task, 'a-key').expect(200);
  await client.submit().expect(200);
  const stored = client.countStored();
  await turn(client, 'stop-intake', true).expect(200);

  const refused = await client.submit().expect(503).expect('Retry-After', '120');
  const message = `an operator has stopped the intake of tasks: ${reason}; nothing was stored, try again later`;
  expect(failureOf(refused)).toMatchObject({
    status: ErrorCode.INTAKE_STOPPED,
    message: `submissions are stopped: ${message}`,
  });
  await client.submit('/v1/tasks/batch', { tasks: [task, task] }).expect(503);
  const [taskId = 0n] = [...client.tasks.stored.keys()];
  await client.submit(`/v1/tasks/kill?taskId=${taskId}`).expect(200);
  await client.submit(`/v1/tasks/${taskId}/rerun`, {}).expect(503);
  expect(client.countStored()).toBe(stored);

  // What is wrong is told as ever, and what was taken in before is answered as it was.
  await client.submit('/v1/tasks', {}).expect(400);
  const replayed = await client.submit('/v1/tasks', task, 'a-key').expect(200);
  expect(replayed.headers['idempotency-replayed']).toBe('true');
  expect(replayed.text).toBe(earlier.text);
  const asked = await request(client.app).get(`/v1/tasks?taskIds=${taskId}`).set('X-Tenant-Id', 'acme').expect(200);
  expect((asked.body as { data: unknown[] }).data).toHaveLength(1);

  await turn(client, 'stop-intake', false).expect(200);
  await client.submit().expect(200);
});

test.each(['stop-everything', 'stop-intake:acme', 'drain-scheduler', 'stop-launching:a b'])(
  'there is no switch %s',
  async (name) => {
    const client = start();
    const { message } = failureOf(await turn(client, name, true).expect(400));
    expect(message).toContain('switchName in the path must be stop-launching, stop-launching:<role>, stop-intake or ');
    expect(message).toContain(`not "${name}"`);
    expect(client.audits.records).toEqual([]);
  },
);

test('a switch is not turned without a reason, or without saying where to', async () => {
  const client = start();
  const { details } = failureOf(await client.admin('put', '/v1/admin/switches/stop-intake', {}).expect(400));
  expect(details?.map(({ member }) => member)).toEqual(['on', 'reason']);
  await request(client.app).put('/v1/admin/switches/stop-intake').send({ on: true, reason }).expect(401);
  await request(client.app).get('/v1/admin/switches').set('X-Tenant-Id', 'acme').expect(401);
});
