import { describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { parseExactJson, TaskState, type TaskId } from '@juice/contracts';
import { startAdmin } from '../../testing/admin-client.ts';
import { createApiFixture } from '../../testing/api-fixture.ts';
import { requestsOf } from '../../testing/route-requests.ts';
import { routes } from './routes.ts';

// For every route in the list: what is one tenant's is not there for another, and admins' routes are not there for tenants.

const owner = { 'X-Tenant-Id': 'owner' };
const intruder = { 'X-Tenant-Id': 'intruder' };
const nobodys = 806769905152840999n as TaskId;
/** In all that the owner's tasks hold. */
const mark = 'owners-own';

const requests = routes.filter(({ caller }) => caller === 'tenant').flatMap(requestsOf);

/** An owner with a task that has ended and one that waits, submitted under a key that the intruder uses too. */
async function startOwned() {
  const fixture = createApiFixture();
  const submit = routes.flatMap(requestsOf).find(({ route }) => route.id === 'submitTask');
  const body = {
    ...{ taskName: mark, commands: `echo ${mark}`, callbackUrl: `https://${mark}.example.com/` },
    ...{ env: { name: 'A', value: mark }, labels: { [mark]: mark } },
  };
  const store = async (key: string): Promise<TaskId> => {
    const sent = submit?.send(fixture.app, 0n, { ...owner, 'Idempotency-Key': key }).send(body);
    const { data } = parseExactJson((await sent?.expect(200))?.text ?? '') as { data: { taskId: TaskId } };
    return data.taskId;
  };
  const ended = await store('first');
  const waiting = await store('second');
  fixture.tasks.change(ended, { status: TaskState.FAILED, message: mark });
  const ids = [ended, waiting];
  return { ...fixture, ended, waiting, state: () => fixture.tasks.findTasks('owner', ids) };
}

/** What is told, without what differs between any two requests. */
function told({ status, text }: Response, taskId: TaskId): { status: number; text: string } {
  return { status, text: text.replaceAll(String(taskId), '<id>') };
}

test('the list of routes names tasks in paths, queries and bodies', () => {
  expect(requests.filter(({ namesTask }) => namesTask).map(({ about }) => about)).toEqual(
    expect.arrayContaining([
      'get /v1/tasks by taskIds',
      'get /v1/tasks/{taskId}/callbacks as a page',
      'post /v1/tasks/kill by taskId',
      'post /v1/tasks/kill by taskIds',
      'post /v1/tasks/reconcile by taskIds',
      'get /v1/tasks/{taskId}/why as it is',
      'post /v1/tasks/{taskId}/rerun without a body',
      'get /v1/callbacks/{callbackId} as it is',
      'get /v1/callbacks/{callbackId}/explain as it is',
    ]),
  );
  expect(requests.map(({ about }) => about)).toContain('get /v1/tasks as a page');
});

describe.each(requests.map((one) => [one.about, one] as const))('%s', (_, { send, namesTask, route }) => {
  test('tells another tenant nothing of the owner’s tasks, and changes none', async () => {
    const { app, ended, waiting, state } = await startOwned();
    const before = structuredClone(await state());
    for (const taskId of [ended, waiting]) {
      const answer = await send(app, taskId, { ...intruder, 'Idempotency-Key': 'first' });
      expect(answer.text).not.toContain(mark);
      if (namesTask) expect(told(answer, taskId)).toEqual(told(await send(app, nobodys, intruder), nobodys));
      else expect(answer.text).not.toMatch(new RegExp(`${ended}|${waiting}`));
    }
    expect(await state()).toEqual(before);
  });

  if (namesTask) {
    test('and is answered otherwise to the owner', async () => {
      const [forOwner, forIntruder] = [await startOwned(), await startOwned()];
      const answers = [
        told(await send(forOwner.app, forOwner.ended, owner), forOwner.ended),
        told(await send(forIntruder.app, forIntruder.ended, intruder), forIntruder.ended),
      ];
      expect(answers[0]).not.toEqual(answers[1]);
    });
  }

  test('wants a key of the tenant that is named, where keys decide', async () => {
    const client = startAdmin();
    const [own, other, admin] = [
      await client.newKey('intruder'),
      await client.newKey('owner'),
      await client.newKey(null),
    ];
    const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });
    await send(client.app, nobodys, owner).expect(401);
    await send(client.app, nobodys, { ...owner, ...bearer(own.key) }).expect(403);
    await send(client.app, nobodys, { ...intruder, ...bearer(other.key) }).expect(403);
    await send(client.app, nobodys, bearer(admin.key)).expect(403);
    expect(client.tasks.stored.size).toBe(0);
    const { status } = await send(client.app, nobodys, { ...intruder, ...bearer(own.key) });
    expect([401, 403]).not.toContain(status);
    expect(route.caller).toBe('tenant');
  });
});

const adminRequests = routes.filter(({ caller }) => caller === 'admin').flatMap(requestsOf);

test.each(adminRequests.map((one) => [one.about, one] as const))('%s is for admins alone', async (_, { send }) => {
  const client = startAdmin();
  const { key } = await client.newKey('acme');
  const keysBefore = [...client.keys.stored.keys()];
  const auditsBefore = client.audits.records.length;
  await send(client.app, nobodys, {}).expect(401);
  await send(client.app, nobodys, { 'X-Tenant-Id': 'acme' }).expect(401);
  await send(client.app, nobodys, { Authorization: `Bearer ${key}` }).expect(403);
  expect([...client.keys.stored.keys()]).toEqual(keysBefore);
  expect(client.audits.records).toHaveLength(auditsBefore);
  expect(await client.tenants.tenantsAfter(null, 10)).toEqual([]);
});

test('without any admin key nobody is one, also where tenants are believed', async () => {
  const { app } = createApiFixture();
  for (const { send } of adminRequests) await send(app, nobodys, { 'X-Tenant-Id': 'acme' }).expect(403);
});
