import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createAlarms, startScriptedMaster, type ScriptedMaster, type Visit } from '../testing/scripted-master.ts';
import { createMesosClient } from './client.ts';
import type { Draft } from './conversation.ts';
import type { FrameworkInfo } from './wire.ts';

const framework: Draft<FrameworkInfo> = { user: 'root', name: 'juice', roles: ['juice'] };
const subscribed = { type: 'SUBSCRIBED', subscribed: { framework_id: { value: 'f' } } } as const;

const masters: ScriptedMaster[] = [];
async function startMaster(script: (visit: Visit) => void): Promise<ScriptedMaster> {
  const master = await startScriptedMaster(script);
  masters.push(master);
  return master;
}
afterEach(async () => {
  await Promise.all(masters.splice(0).map((master) => master.stop()));
});

/** True once the master has seen its first visitor leave. */
const closed = (master: ScriptedMaster) =>
  new Promise((resolve) => master.visits[0]?.request.socket.once('close', () => resolve(true)));

const leading = (visit: Visit) => visit.stream().send(subscribed);
const redirecting = (to: () => string) => (visit: Visit) => visit.answer(307, '', { Location: to() });

describe('subscribe', () => {
  test('sends SUBSCRIBE as the API wants it', async () => {
    const master = await startMaster(leading);
    const credentials = { principal: 'juice', secret: 'pässword' };
    const client = createMesosClient({ masters: [`${master.url}/`], contentType: 'application/json', credentials });
    const known = { ...framework, id: { value: 'f' } };
    const subscription = await client.subscribe(known, ['juice']);
    expect(subscription).toMatchObject({ streamId: 'stream-1', master: master.url });
    const { request, call } = master.visits[0] as Visit;
    expect(request).toMatchObject({ method: 'POST', url: '/api/v1/scheduler' });
    expect(request.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: `Basic ${Buffer.from('juice:pässword').toString('base64')}`,
    });
    expect(request.headers).not.toHaveProperty('mesos-stream-id');
    expect(call).toEqual({
      type: 'SUBSCRIBE',
      framework_id: { value: 'f' },
      subscribe: { framework_info: { ...known, capabilities: [] }, suppressed_roles: ['juice'] },
    });
    subscription.close();
  });

  test('follows scheme-relative redirects to the leader and stays with it', async () => {
    const leader = await startMaster((visit) => (visit.call.type === 'SUBSCRIBE' ? leading(visit) : visit.answer(202)));
    const second = await startMaster(redirecting(() => `//${leader.host}/master/api/v1/scheduler`));
    const first = await startMaster(redirecting(() => `//${second.host}`));
    const subscription = await createMesosClient({ masters: [first.host] }).subscribe(framework);
    expect(subscription.master).toBe(leader.url);
    await subscription.call({ type: 'REVIVE', framework_id: { value: 'f' } });
    expect(second.visits.map(({ request }) => request.url)).toEqual(['/api/v1/scheduler']);
    expect(leader.visits.map(({ call }) => call.type)).toEqual(['SUBSCRIBE', 'REVIVE']);
    expect(leader.visits.map(({ request }) => request.url)).toEqual(Array(2).fill('/master/api/v1/scheduler'));
    subscription.close();
  });

  test('gives up a circle of redirects after nine hops', async () => {
    const master = await startMaster(redirecting(() => `//${master.host}/api/v1/scheduler`));
    const subscribing = createMesosClient({ masters: [master.url] }).subscribe(framework);
    await expect(subscribing).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: true });
    expect(master.visits).toHaveLength(10);
  });

  test('asks each master in turn, the one that led last time first', async () => {
    const electing = await startMaster((visit) => visit.answer(503, 'No leader elected'));
    const leader = await startMaster(leading);
    const client = createMesosClient({ masters: [electing.url, leader.url] });
    (await client.subscribe(framework)).close();
    (await client.subscribe(framework)).close();
    expect([electing.visits.length, leader.visits.length]).toEqual([1, 2]);
  });

  test('is worth another try when no master leads or is there', async () => {
    const electing = await startMaster((visit) => visit.answer(503, 'No leader elected'));
    const gone = await startMaster(() => undefined);
    await gone.stop();
    masters.pop();
    const subscribing = createMesosClient({ masters: [electing.url, gone.url] }).subscribe(framework);
    await expect(subscribing).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: true });
    await expect(subscribing).rejects.toThrow(/No leader elected.*ECONNREFUSED/);
    expect((electing.visits[0] as Visit).request.socket.destroyed || (await closed(electing))).toBe(true);
  });

  test.each([400, 401, 403, 405, 406, 415])('is not worth another try after %d', async (status) => {
    const master = await startMaster((visit) => visit.answer(status, 'no'));
    const other = await startMaster(leading);
    const subscribing = createMesosClient({ masters: [master.url, other.url] }).subscribe(framework);
    await expect(subscribing).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: false });
    expect(other.visits).toHaveLength(0);
  });

  test('goes on to the next master when one takes the connection and says nothing', async () => {
    const alarms = createAlarms();
    const mute = await startMaster(() => alarms.ringAll());
    const leader = await startMaster(leading);
    const client = createMesosClient({
      masters: [mute.url, leader.url],
      firstEventMs: 1234,
      setAlarm: alarms.setAlarm,
    });
    const subscription = await client.subscribe(framework);
    expect(subscription.master).toBe(leader.url);
    expect(alarms.delays()).toEqual([]);
    subscription.close();
  });

  test.each([
    ['no stream id', { 'Content-Type': 'application/x-protobuf' }],
    ['another content type', { 'Content-Type': 'text/html', 'Mesos-Stream-Id': 's' }],
  ])('takes 200 with %s for a violation', async (_what, headers) => {
    const master = await startMaster((visit) => visit.answer(200, 'hello', headers));
    const subscribing = createMesosClient({ masters: [master.url] }).subscribe(framework);
    await expect(subscribing).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' });
  });

  test('is given up when the signal aborts', async () => {
    const stopping = new AbortController();
    const master = await startMaster(() => stopping.abort());
    const client = createMesosClient({ masters: [master.url, master.url] });
    const refused = { code: 'DEPENDENCY_FAILURE', retryable: false };
    await expect(client.subscribe(framework, [], stopping.signal)).rejects.toMatchObject(refused);
    await expect(client.subscribe(framework, [], stopping.signal)).rejects.toMatchObject(refused);
    expect(master.visits).toHaveLength(1);
  });
});

describe('over TLS', () => {
  const read = (file: string) => readFileSync(new URL(`../testing/tls/${file}.pem`, import.meta.url), 'utf8');
  const [key, ca] = [read('key'), read('cert')];

  test('trusts the given authority, and no other', async () => {
    const master = await startScriptedMaster(
      (visit) => (visit.call.type === 'SUBSCRIBE' ? leading(visit) : visit.answer(202)),
      { key, cert: ca },
    );
    masters.push(master);
    const subscription = await createMesosClient({ masters: [master.url], ca }).subscribe(framework);
    expect(subscription.master).toBe(master.url);
    const framework_id = { value: 'f' };
    const ids = { agent_id: { value: 'a' }, task_id: { value: 't' }, uuid: Buffer.alloc(16).toString('base64') };
    const calls = [
      subscription.call({ type: 'REVIVE', framework_id }),
      subscription.call({ type: 'ACKNOWLEDGE', framework_id, acknowledge: ids }),
    ];
    expect(await Promise.all(calls)).toEqual(Array(2).fill({ kind: 'accepted' }));
    subscription.close();
    const stranger = createMesosClient({ masters: [master.url] }).subscribe(framework);
    await expect(stranger).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE' });
    expect(master.visits).toHaveLength(3);
  });

  test('gives the credentials to nobody without TLS', async () => {
    const plain = await startMaster(leading);
    const master = await startScriptedMaster(
      redirecting(() => `${plain.url}/api/v1/scheduler`),
      { key, cert: ca },
    );
    masters.push(master);
    const subscribing = createMesosClient({ masters: [master.url], ca }).subscribe(framework);
    await expect(subscribing).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: true });
    expect(plain.visits).toHaveLength(0);
  });
});

test.each([[[]], [['http://']], [['zk://host']], [['zk://a/mesos', 'zk://b/mesos']], [['http://a', 'zk://b/mesos']]])(
  'refuses %j as masters',
  (urls) => {
    expect(() => createMesosClient({ masters: urls })).toThrow(expect.objectContaining({ code: 'INVARIANT_BROKEN' }));
  },
);
