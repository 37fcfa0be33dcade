import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { loadHttpErrors, loadScenario, loadStream } from '../testing/index.ts';
import { createAlarms, startScriptedMaster, type EventWriter, type Visit } from '../testing/scripted-master.ts';
import { until } from '../testing/until.ts';
import { createMesosClient, type MesosClientOptions } from './client.ts';
import type { Draft, Event, FrameworkCall, StreamEvent } from './conversation.ts';
import type { Subscription } from './subscription.ts';

const framework_id = { value: 'f' };
const framework = { user: 'root', name: 'juice', roles: ['juice'] };
const revive: Draft<FrameworkCall> = { type: 'REVIVE', framework_id };
const subscribed = (heartbeat_interval_seconds?: number): Draft<Event> => ({
  type: 'SUBSCRIBED',
  subscribed: { framework_id, ...(heartbeat_interval_seconds === undefined ? {} : { heartbeat_interval_seconds }) },
});

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A subscription with a master that leaves the stream to the test and answers calls by `onCall`. */
async function subscribe(options: Partial<MesosClientOptions> = {}, onCall = (visit: Visit) => visit.answer(202)) {
  let opened: (stream: EventWriter) => void;
  const opening = new Promise<EventWriter>((resolve) => (opened = resolve));
  const master = await startScriptedMaster((visit) =>
    visit.call.type === 'SUBSCRIBE' ? opened(visit.stream()) : onCall(visit),
  );
  cleanUps.push(() => master.stop());
  const client = createMesosClient({ masters: [master.url], ...options });
  const subscription = await client.subscribe(framework);
  cleanUps.push(() => subscription.close());
  const calls = () => master.visits.filter(({ call }) => call.type !== 'SUBSCRIBE');
  const stream = await opening;
  return { client, subscription, stream, calls, events: subscription.events[Symbol.asyncIterator]() };
}

const kill = (i: number): Draft<FrameworkCall> => {
  return { type: 'KILL', framework_id, kill: { task_id: { value: String(i) } } };
};
const acknowledge = (i: number): Draft<FrameworkCall> => {
  const uuid = Buffer.alloc(16, i).toString('base64');
  return {
    type: 'ACKNOWLEDGE',
    framework_id,
    acknowledge: { agent_id: { value: 'a' }, task_id: { value: 't' }, uuid },
  };
};
const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

async function readAll({ events }: Subscription): Promise<StreamEvent[]> {
  const all: StreamEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const broken = { code: 'DEPENDENCY_FAILURE', retryable: true };

describe('events', () => {
  test.each(['lifecycle-failed', 'lifecycle-finished-protobuf', 'bad-framework-info'])(
    'of %s, in any chunks',
    async (name) => {
      const { bytes, contentType } = loadStream(name);
      const { subscription, stream } = await subscribe({ contentType });
      // 7 is prime: cuts fall into lengths, bodies and both.
      for (let at = 0; at < bytes.length; at += 7) stream.sendBytes(bytes.subarray(at, at + 7));
      stream.end();
      const recorded = loadScenario(name).steps.flatMap((step) => (step.kind === 'event' ? [step.body] : []));
      expect(await readAll(subscription)).toEqual(recorded);
      expect(await subscription.call(revive)).toMatchObject({ kind: 'subscription-lost' });
    },
  );

  test('are given up after firstEventMs without any', async () => {
    const alarms = createAlarms();
    const { events } = await subscribe({ setAlarm: alarms.setAlarm, firstEventMs: 1234 });
    const first = events.next();
    expect(alarms.delays()).toEqual([1234]);
    alarms.ringAll();
    await expect(first).rejects.toMatchObject(broken);
  });

  test.each([
    [undefined, 75_000],
    [2, 10_000],
  ])('with a heartbeat every %p s are given up after %d ms of silence', async (heartbeatSeconds, silenceMs) => {
    const alarms = createAlarms();
    const { events, stream, subscription } = await subscribe({ setAlarm: alarms.setAlarm });
    stream.send(subscribed(heartbeatSeconds));
    await events.next();
    // The consumer is busy: that is no silence of the master.
    expect(alarms.delays()).toEqual([]);
    const second = events.next();
    expect(alarms.delays()).toEqual([silenceMs]);
    stream.send({ type: 'HEARTBEAT' });
    expect((await second).value).toEqual({ type: 'HEARTBEAT' });
    const third = events.next();
    expect(alarms.delays()).toEqual([silenceMs]);
    alarms.ringAll();
    await expect(third).rejects.toMatchObject(broken);
    expect(await subscription.call(revive)).toMatchObject({ kind: 'subscription-lost' });
  });

  test('break off with the connection, also while nobody reads them', async () => {
    const { events, stream, subscription, calls } = await subscribe();
    stream.send(subscribed());
    await events.next();
    stream.sendBytes(Buffer.from('100\n{'));
    stream.response.destroy();
    await expect(events.next()).rejects.toMatchObject(broken);
    expect((await events.next()).done).toBe(true);
    expect(await subscription.call(revive)).toMatchObject({ kind: 'subscription-lost' });
    expect(calls()).toEqual([]);

    const unread = await subscribe();
    unread.stream.response.destroy();
    await expect(unread.events.next()).rejects.toMatchObject(broken);
  });

  test('that end inside a record have broken off', async () => {
    const { events, stream } = await subscribe();
    stream.sendBytes(Buffer.from('100\n{'));
    stream.end();
    await expect(events.next()).rejects.toMatchObject(broken);
  });

  test.each([
    ['a record that is too long', '1000001\n'],
    ['a length that is no number', 'HTTP/1.1 502\n'],
    ['a record that is no event', '2\n[]'],
    ['another event than SUBSCRIBED or ERROR first', '20\n{"type":"HEARTBEAT"}'],
  ])('%s is a violation', async (_what, text) => {
    const { events, stream } = await subscribe({ contentType: 'application/json', maxRecordBytes: 1_000_000 });
    stream.sendBytes(Buffer.from(text));
    await expect(events.next()).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' });
    await once(stream.response, 'close');
  });

  test('wait at the master while the consumer is busy', async () => {
    const { events, stream, subscription } = await subscribe();
    const status = { task_id: { value: 't' }, state: 'TASK_RUNNING', message: 'x'.repeat(1_000_000) } as const;
    const update: Draft<Event> = { type: 'UPDATE', update: { status } };
    stream.send(subscribed(), ...Array<Draft<Event>>(64).fill(update));
    let isDrained = false;
    stream.response.once('drain', () => (isDrained = true));
    await events.next();
    // Twenty round trips on other connections: time enough for loopback to carry it all, were it being read.
    for (let i = 0; i < 20; i++) expect(await subscription.call(revive)).toEqual({ kind: 'accepted' });
    expect(isDrained).toBe(false);
    for (let i = 0; i < 64; i++) expect((await events.next()).value).toMatchObject({ type: 'UPDATE' });
    stream.end();
    expect((await events.next()).done).toBe(true);
  });
});

describe('call', () => {
  test('carries the stream id, on other connections than the stream', async () => {
    const { subscription, stream, calls } = await subscribe({ contentType: 'application/json' });
    await subscription.call(revive);
    await subscription.call(revive);
    const [first, second] = calls() as [Visit, Visit];
    expect(first.call).toEqual(revive);
    expect(first.request.headers).toMatchObject({ 'mesos-stream-id': 'stream-1', 'content-type': 'application/json' });
    expect(second.request.socket).toBe(first.request.socket);
    expect(second.request.socket).not.toBe(stream.response.socket);
  });

  test('runs beside others, within the bound, in order', async () => {
    const held: Visit[] = [];
    let isHolding = true;
    let release: () => void = () => undefined;
    const full = new Promise<void>((resolve) => (release = resolve));
    const { subscription, calls } = await subscribe({ maxCallsInFlight: 3 }, (visit) => {
      if (!isHolding) return visit.answer(202);
      if (held.push(visit) === 3) release();
    });
    const answering = Promise.all(many(30, (i) => subscription.call(kill(i))));
    await full;
    // Round trips with another master: a fourth call would have arrived meanwhile, were it on its way.
    const other = await subscribe();
    for (let i = 0; i < 20; i++) await other.subscription.call(revive);
    expect(held).toHaveLength(3);
    isHolding = false;
    for (const visit of held) visit.answer(202);
    expect(await answering).toEqual(Array(30).fill({ kind: 'accepted' }));
    const order = calls().map(({ call }) => Number(call.kill?.task_id.value));
    for (const [place, i] of order.entries()) expect(Math.abs(place - i)).toBeLessThan(3);
  });

  test.each(loadHttpErrors().map((answer) => [answer.name, answer] as const))(
    'tells what "%s" was answered',
    async (_name, { status, body }) => {
      const { subscription } = await subscribe({}, (visit) => visit.answer(status, body));
      const answer = await subscription.call(revive);
      if (status === 202) expect(answer).toEqual({ kind: 'accepted' });
      else expect(answer).toMatchObject({ detail: body });
    },
  );

  test('does not follow a redirect: the leader has changed', async () => {
    const { subscription, calls } = await subscribe({}, (visit) => visit.answer(307, '', { Location: '//x:1/' }));
    expect(await subscription.call(revive)).toMatchObject({ kind: 'subscription-lost' });
    expect(calls()).toHaveLength(1);
  });

  test('is unknown when the connection breaks, and not repeated', async () => {
    const { subscription, calls } = await subscribe({}, (visit) => visit.response.destroy());
    expect(await subscription.call(revive)).toMatchObject({ kind: 'unknown' });
    expect(calls()).toHaveLength(1);
  });

  test('is unknown when the answer does not come in time', async () => {
    const alarms = createAlarms();
    const delays: number[] = [];
    const { subscription } = await subscribe({ callTimeoutMs: 777, setAlarm: alarms.setAlarm }, () => {
      delays.push(...alarms.delays());
      alarms.ringAll();
    });
    expect(await subscription.call(revive)).toMatchObject({ kind: 'unknown' });
    expect(delays).toEqual([777]);
  });

  test('is timed from when it is sent, not while it waits', async () => {
    const alarms = createAlarms();
    const held: Visit[] = [];
    const { subscription } = await subscribe(
      { callTimeoutMs: 777, maxCallsInFlight: 3, setAlarm: alarms.setAlarm },
      (visit) => void held.push(visit),
    );
    const answering = Promise.all(many(10, (i) => subscription.call(kill(i))));
    for (let answered = 0; answered < 10; answered++) {
      await until(() => held.length > answered, 'the next call');
      expect(alarms.delays()).toEqual(Array(Math.min(3, 10 - answered)).fill(777));
      held[answered]?.answer(202);
      await until(() => alarms.delays().length <= Math.min(3, 9 - answered), 'its alarm to be cancelled');
    }
    expect(await answering).toEqual(Array(10).fill({ kind: 'accepted' }));
  });

  test('is given up with those in flight when the master answers none of them', async () => {
    const alarms = createAlarms();
    const { subscription, calls } = await subscribe(
      { maxCallsInFlight: 2, setAlarm: alarms.setAlarm },
      () => undefined,
    );
    const answering = Promise.all(many(20, (i) => subscription.call(kill(i))));
    await until(() => calls().length === 2, 'two in flight');
    alarms.ringAll();
    await until(() => calls().length === 4, 'two more');
    alarms.ringAll();
    const answers = await answering;
    expect(answers.map(({ kind }) => kind)).toEqual(Array(20).fill('unknown'));
    expect(answers[19]).toMatchObject({ detail: expect.stringContaining('not sent') });
    expect(calls()).toHaveLength(4);
  });

  test('that cannot be written is a bug of ours', async () => {
    const { subscription, calls } = await subscribe();
    const bad = { type: 'KILL', framework_id, kill: {} } as never;
    await expect(subscription.call(bad)).rejects.toMatchObject({ code: 'INVARIANT_BROKEN' });
    expect(calls()).toEqual([]);
  });
});

describe('acknowledgements', () => {
  test.each(['application/json', 'application/x-protobuf'] as const)(
    'in %s carry what every call does',
    async (contentType) => {
      const credentials = { principal: 'juice', secret: 'secret' };
      const { subscription, calls } = await subscribe({ contentType, credentials });
      expect(await subscription.call(acknowledge(7))).toEqual({ kind: 'accepted' });
      await subscription.call(revive);
      const [first, second] = calls() as [Visit, Visit];
      expect(first.call).toEqual(acknowledge(7));
      const { connection: _ours, ...headers } = second.request.headers;
      expect(first.request.headers).toEqual({ ...headers, 'content-length': first.request.headers['content-length'] });
      expect(first.request).toMatchObject({ method: 'POST', url: second.request.url });
    },
  );

  test.each(loadHttpErrors().map((answer) => [answer.name, answer] as const))(
    'tell what "%s" was answered',
    async (_name, { status, body }) => {
      const { subscription } = await subscribe({}, (visit) => visit.answer(status, body));
      const answer = await subscription.call(acknowledge(1));
      expect(answer).toEqual(await subscription.call(revive));
    },
  );

  test('hold up no other call, however many wait', async () => {
    const held: Visit[] = [];
    const { client, subscription, calls } = await subscribe({}, (visit) =>
      visit.call.type === 'ACKNOWLEDGE' ? held.push(visit) : visit.answer(202),
    );
    const answering = Promise.all(many(5_000, (i) => subscription.call(acknowledge(i))));
    expect(await subscription.call(kill(1))).toEqual({ kind: 'accepted' });
    await until(() => held.length === 1, 'the first');
    expect([subscription.callsWaiting(), client.callsWaiting()]).toEqual([4_999, 4_999]);
    subscription.close();
    held[0]?.answer(202);
    const [first, ...others] = await answering;
    expect(first).toEqual({ kind: 'accepted' });
    expect(others).toEqual(Array(4_999).fill({ kind: 'subscription-lost', detail: 'the stream is over' }));
    expect(calls()).toHaveLength(2);
    expect(client.callsWaiting()).toBe(0);
  });

  // A takeover hands over even more. All of them used to wait with their time running, and the last ones, which a healthy
  // master would have taken, failed unsent; so did the ACCEPT behind them.
  test('by the thousand, at once, are all answered, with one time-out running', async () => {
    const alarms = createAlarms();
    let most = 0;
    const { subscription, calls } = await subscribe({ setAlarm: alarms.setAlarm }, (visit) => {
      most = Math.max(most, alarms.delays().length);
      visit.answer(202);
    });
    const answers = await Promise.all(many(5_000, (i) => subscription.call(acknowledge(i))));
    expect(answers).toEqual(Array(5_000).fill({ kind: 'accepted' }));
    expect(most).toBe(1);
    expect(new Set(calls().map(({ request }) => request.socket)).size).toBe(1);
  });

  test('beyond a bound are not sent', async () => {
    const { subscription } = await subscribe({ maxCallsWaiting: 10 });
    const answers = await Promise.all(many(12, (i) => subscription.call(acknowledge(i))));
    expect(answers.map(({ kind }) => kind)).toEqual([...Array<string>(10).fill('accepted'), 'unknown', 'unknown']);
  });
});

describe('close', () => {
  test('drops the stream at once and lets the calls in flight be answered', async () => {
    const held: Visit[] = [];
    let arrived: () => void;
    const arriving = new Promise<void>((resolve) => (arrived = resolve));
    const { subscription, stream, events } = await subscribe({}, (visit) => {
      held.push(visit);
      arrived();
    });
    stream.send(subscribed());
    await events.next();
    const next = events.next();
    const calling = subscription.call(revive);
    await arriving;
    subscription.close();
    await once(stream.response, 'close');
    expect((await next).done).toBe(true);
    expect(await subscription.call(revive)).toMatchObject({ kind: 'subscription-lost' });
    const { answer, request } = held[0] as Visit;
    answer(202);
    expect(await calling).toEqual({ kind: 'accepted' });
    await once(request.socket, 'close');
  });

  test.each(['close', 'end'] as const)('calls that wait for their turn are not sent after the %s', async (how) => {
    const held: Visit[] = [];
    const { subscription, stream, events, calls } = await subscribe({ maxCallsInFlight: 2 }, (visit) => {
      held.push(visit);
    });
    const answering = Promise.all(many(5, (i) => subscription.call(kill(i))));
    await until(() => held.length === 2, 'two in flight');
    if (how === 'close') subscription.close();
    else stream.end();
    if (how === 'end') await events.next();
    await until(() => subscription.callsWaiting() === 0, 'those waiting to be told');
    for (const visit of held) visit.answer(202);
    const kinds = (await answering).map(({ kind }) => kind);
    expect(kinds).toEqual(['accepted', 'accepted', ...Array<string>(3).fill('subscription-lost')]);
    expect(calls()).toHaveLength(2);
  });

  test('comes with leaving the loop over the events', async () => {
    const { subscription, stream } = await subscribe();
    stream.send(subscribed());
    for await (const event of subscription.events) {
      expect(event.type).toBe('SUBSCRIBED');
      break;
    }
    await once(stream.response, 'close');
  });

  test('comes with the signal', async () => {
    const stopping = new AbortController();
    const master = await startScriptedMaster((visit) => visit.stream().send(subscribed()));
    cleanUps.push(() => master.stop());
    const subscription = await createMesosClient({ masters: [master.url] }).subscribe(framework, [], stopping.signal);
    const events = subscription.events[Symbol.asyncIterator]();
    await events.next();
    stopping.abort();
    expect((await events.next()).done).toBe(true);
    expect(await subscription.call(revive)).toMatchObject({ kind: 'subscription-lost' });
  });
});
