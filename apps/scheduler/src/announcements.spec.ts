import { describe, expect, test } from '@jest/globals';
import type { StatusEvent } from '@juice/contracts';
import { createMemoryEventLog, createMemoryLog } from '@juice/persistence/testing';
import { createMemoryOutboxes } from '../testing/memory-outboxes.ts';
import { awayFailure, createPauses, listeningLog, settle, statusEvent } from '../testing/sample-events.ts';
import { createAnnouncements } from './announcements.ts';

function startAnnouncements(left: readonly StatusEvent[] = []) {
  const outboxes = createMemoryOutboxes();
  for (const event of left) outboxes.add(event);
  const log = createMemoryLog();
  const pauses = createPauses();
  const away = { bus: false, log: false, store: false };
  const published: { key: string; body: unknown }[] = [];
  const warned: string[] = [];
  const failures: unknown[] = [];
  const reach = async <T>(what: keyof typeof away, act: () => T): Promise<T> => {
    if (away[what]) throw awayFailure(what);
    return act();
  };
  const eventLog = createMemoryEventLog(log, {
    server: {
      command: async (_, serve) => (away.log ? Promise.reject(awayFailure('mongodb')) : serve()),
      turn: async (act) => act(),
    },
  });
  const announcements = createAnnouncements({
    epoch: 1,
    publish: (_exchange, key, body) => reach('bus', () => void published.push({ key, body })),
    store: {
      clearOutbox: (events) => reach('store', () => outboxes.clear(events)),
      readOutboxes: (ids) => reach('store', () => outboxes.read(ids)),
      outboxPage: (fromMs) => reach('store', () => outboxes.page(fromMs, 2)),
    },
    eventLog,
    wait: pauses.wait,
    onFailure: (error) => void failures.push(error),
    log: listeningLog(warned),
    now: () => 0,
  });
  const running = announcements.run();
  /** Time passes: sweeps and further tries are due. */
  const passTime = async (): Promise<void> => {
    pauses.end();
    await settle();
  };
  const logged = (): string[] => log.put.map(({ taskId, seq }) => `${taskId}:${seq}`);
  return { ...{ announcements, outboxes, away, published, warned, failures, running }, passTime, logged };
}

/** As a frame does: stored, then announced. */
function announce({ announcements, outboxes }: ReturnType<typeof startAnnouncements>, ...seqs: number[]): void {
  const events = seqs.map((seq) => statusEvent(1, seq));
  for (const event of events) outboxes.add(event);
  announcements.announce(events);
}

test('an event goes to the log, then to the bus, and then out of its outbox', async () => {
  const world = startAnnouncements();
  announce(world, 1, 2);
  await settle();
  expect(world.logged()).toEqual(['1:1', '1:2']);
  expect(world.published.map(({ key }) => key)).toEqual(['task.RUNNING.tenant', 'task.RUNNING.tenant']);
  expect(world.published[0]?.body).toMatchObject({ v: 1, taskId: '1', seq: 1, callback: false });
  expect(world.outboxes.isEmpty()).toBe(true);
  expect(world.announcements.describe()).toEqual({ unlogged: 0, unannounced: 0 });
});

describe('while the bus is away', () => {
  test('the log goes on; outboxes keep the events until it is back', async () => {
    const world = startAnnouncements();
    world.away.bus = true;
    announce(world, 1);
    await settle();
    announce(world, 2, 3);
    await world.passTime();
    expect(world.logged()).toEqual(['1:1', '1:2', '1:3']);
    expect(world.announcements.describe()).toEqual({ unlogged: 0, unannounced: 3 });
    expect(world.outboxes.isEmpty()).toBe(false);
    world.away.bus = false;
    await world.passTime();
    // A sweep that looked just then may have them published once more.
    const seqs = world.published.map(({ body }) => (body as { seq: number }).seq);
    expect([seqs.slice(0, 3), new Set(seqs)]).toEqual([[1, 2, 3], new Set([1, 2, 3])]);
    expect(world.outboxes.isEmpty()).toBe(true);
    expect(world.logged()).toHaveLength(3);
  });

  test('sweeps go on finding what the log lacks', async () => {
    const world = startAnnouncements();
    world.away.bus = true;
    announce(world, 1);
    await settle();
    for (const task of [2, 3, 4, 5]) world.outboxes.add(statusEvent(task, 1));
    await world.passTime();
    expect(world.logged().sort()).toEqual(['1:1', '2:1', '3:1', '4:1', '5:1']);
  });
});

test('while the log is away nothing is published, and nothing leaves an outbox', async () => {
  const world = startAnnouncements();
  await settle();
  world.away.log = true;
  announce(world, 1);
  await world.passTime();
  expect(world.published).toEqual([]);
  expect(world.outboxes.isEmpty()).toBe(false);
  const { unlogged, unannounced } = world.announcements.describe();
  expect([unlogged > 0, unannounced > 0]).toEqual([true, true]);
  world.away.log = false;
  await world.passTime();
  expect(world.logged()).toEqual(['1:1']);
  expect(world.outboxes.isEmpty()).toBe(true);
});

describe('what nobody announces', () => {
  test('is found when it is looked for, behind what comes before it', async () => {
    const world = startAnnouncements();
    await settle();
    world.outboxes.add(statusEvent(7, 1));
    world.outboxes.add(statusEvent(7, 2, 2));
    world.announcements.look([statusEvent(7, 1).taskId]);
    await settle();
    expect(world.logged()).toEqual(['7:1', '7:2']);
    expect(world.outboxes.isEmpty()).toBe(true);
  });

  test('is found by the sweep: at once what an earlier leader left, later what could not be looked for', async () => {
    const world = startAnnouncements([1, 2, 3].map((task) => statusEvent(task, 1)));
    await settle();
    expect(world.logged()).toEqual(['1:1', '2:1', '3:1']);
    world.away.store = true;
    world.outboxes.add(statusEvent(4, 1));
    world.announcements.look([statusEvent(4, 1).taskId]);
    await world.passTime();
    expect(world.logged()).toHaveLength(3);
    expect(world.warned).toContain('dependency.unreachable');
    world.away.store = false;
    await world.passTime();
    expect(world.logged()).toEqual(['1:1', '2:1', '3:1', '4:1']);
    expect(world.failures).toEqual([]);
  });
});

describe('stopping', () => {
  test('waits until what is at hand has arrived', async () => {
    const world = startAnnouncements();
    announce(world, 1, 2);
    world.announcements.stop();
    await world.running;
    expect(world.outboxes.isEmpty()).toBe(true);
    expect(world.published).toHaveLength(2);
  });

  test('does not wait for a bus that is away', async () => {
    const world = startAnnouncements();
    world.away.bus = true;
    announce(world, 1);
    await settle();
    world.announcements.stop();
    await world.running;
    expect(world.logged()).toEqual(['1:1']);
    expect(world.outboxes.isEmpty()).toBe(false);
  });
});
