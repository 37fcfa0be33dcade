import { describe, expect, jest, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { createCollectedLog } from '../testing/collected-log.ts';
import { createStatusEvents, readEvent, type EventSource } from './status-events.ts';

const event = {
  v: 1,
  taskId: '806769905152840693',
  tenantId: 'acme',
  seq: 2,
  status: 1,
  attempt: 1,
  message: 'task is running',
  reason: null,
  atMs: 1_750_000_000_000,
  callback: true,
};

function createWorld() {
  const { log, of } = createCollectedLog();
  const onEvent = jest.fn();
  const cancel = jest.fn(async () => undefined);
  let receive: Parameters<EventSource['consume']>[2] = () => undefined;
  const consume = jest.fn<EventSource['consume']>(async (_queue, _options, onMessage) => {
    receive = onMessage;
    return { cancel };
  });
  const events = createStatusEvents({ source: { consume }, onEvent, log });
  const deliver = (body: unknown) => {
    const message = { body, ack: jest.fn(), reject: jest.fn() };
    receive(message);
    return message;
  };
  return { events, consume, cancel, onEvent, deliver, of };
}

describe('status events', () => {
  test('are acknowledged on receipt, and name the lane', async () => {
    const { events, deliver, onEvent } = createWorld();
    await events.resume();
    expect(deliver(event).ack).toHaveBeenCalledTimes(1);
    expect(onEvent).toHaveBeenCalledWith(806769905152840693n, 'acme');
    expect(deliver({ ...event, callback: false }).ack).toHaveBeenCalledTimes(1);
    expect(onEvent).toHaveBeenCalledTimes(1);
  });

  test('of a newer version are read for what we know of them', async () => {
    const { events, deliver, onEvent } = createWorld();
    await events.resume();
    expect(deliver({ ...event, v: 2, lanes: ['a', 'b'] }).ack).toHaveBeenCalledTimes(1);
    expect(onEvent).toHaveBeenCalledWith(806769905152840693n, 'acme');
  });

  test('that cannot be read go to the poison queue, newer ones as well', async () => {
    const { events, deliver, onEvent, of } = createWorld();
    await events.resume();
    const newer = { v: 2, something: 'else' };
    for (const body of [newer, null, 'text', {}, { ...event, taskId: 'x' }, { ...event, status: 99 }]) {
      expect(readEvent(body)).toBe(null);
      expect(deliver(body).reject).toHaveBeenCalledTimes(1);
    }
    expect(of('message.rejected').map(({ outcome }) => outcome)).toEqual([
      'newer version',
      ...Array(5).fill('unreadable'),
    ]);
    expect(onEvent).not.toHaveBeenCalled();
  });

  test('are consumed once however often resumed, and not while paused', async () => {
    const { events, consume, cancel } = createWorld();
    await Promise.all([events.resume(), events.resume()]);
    expect(consume).toHaveBeenCalledTimes(1);
    expect(consume).toHaveBeenCalledWith('juice.callback.events', { prefetch: 200 }, expect.any(Function));
    await Promise.all([events.pause(), events.pause()]);
    expect(cancel).toHaveBeenCalledTimes(1);
    await Promise.all([events.resume(), events.pause(), events.resume()]);
    expect(consume.mock.calls.length - cancel.mock.calls.length).toBe(1);
  });

  test('do without a broker until it is there', async () => {
    const { events, consume } = createWorld();
    const away = new DependencyFailure({
      dependency: 'rabbitmq',
      operation: 'consume',
      retryable: true,
      detail: 'away',
    });
    consume.mockRejectedValueOnce(away);
    await events.resume();
    await events.resume();
    expect(consume).toHaveBeenCalledTimes(2);
  });
});
