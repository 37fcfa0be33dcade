import { expect, test } from '@jest/globals';
import { isEndState, parseEventCursor, TaskState, type EventCursor } from '@juice/contracts';
import { chanceOf, type Chance } from '@juice/persistence/testing';
import { until } from '@juice/trial';
import fc from 'fast-check';
import { createEventWorld, idOf } from '../testing/event-world.ts';
import type { FollowWish } from './follow-events.ts';
import type { StreamSink } from './follow-log.ts';

type World = Awaited<ReturnType<typeof createEventWorld>>;

/** What a client has at the other end of a sink that is full now and then. */
function openWire(chance: Chance) {
  const closing = new AbortController();
  const frames: string[] = [];
  const sink: StreamSink = {
    closed: closing.signal,
    write(text) {
      if (closing.signal.aborted) return false;
      frames.push(...text.split('\n\n').slice(0, -1));
      return chance(3) > 0;
    },
    async drained() {
      for (let turns = chance(20); turns > 0; turns -= 1) await new Promise(setImmediate);
      return !closing.signal.aborted;
    },
  };
  return { sink, frames, close: () => closing.abort() };
}

/** A client that goes away and comes again, to any process, and may not have got the last of what it was sent. */
function startClient(world: World, wish: Omit<FollowWish, 'beginning'>, chance: Chance) {
  // So hasty and so small that every way is taken.
  const limits = { heartbeatMs: 1, gatherMs: 1, pageSize: 4 };
  // One of them is behind the other.
  const processes = [world.serve({ limits }), world.serve({ limits: { ...limits, pollMs: 25 }, hears: false })];
  const seen: { cursor: EventCursor; text: string }[] = [];
  let position: EventCursor | 'start' = 'start';
  let isStopped = false;
  let isCalm = false;
  let wire = openWire(chance);

  function note(frames: readonly string[]): void {
    for (const frame of frames) {
      const cursor = parseEventCursor(/^id: (.*)$/m.exec(frame)?.[1] ?? '');
      if (cursor === null) continue;
      position = cursor;
      if (/^data: /m.test(frame)) seen.push({ cursor, text: frame });
    }
  }

  async function connectOnce(): Promise<void> {
    const process = processes[chance(processes.length)];
    const following = await process?.follow({ ...wish, beginning: position });
    if (following?.ok !== true) return;
    wire = openWire(chance);
    const { sink, frames, close } = wire;
    const running = following.run(sink);
    for (let turns = 5 + chance(400); (turns > 0 || isCalm) && !isStopped && !sink.closed.aborted; turns -= 1) {
      await new Promise(setImmediate);
    }
    close();
    await running;
    note(frames.slice(0, isStopped ? frames.length : frames.length - chance(3)));
    frames.length = 0;
  }

  async function live(): Promise<void> {
    while (!isStopped) await connectOnce();
  }

  const living = live();
  return {
    /** Events seen, those on the present wire included. */
    count: () => seen.length + wire.frames.filter((frame) => /^data: /m.test(frame)).length,
    calm: () => void (isCalm = true),
    async stop() {
      isStopped = true;
      await living;
      return seen;
    },
  };
}

const states = [TaskState.STAGING, TaskState.RUNNING, TaskState.RUNNING, TaskState.UNREACHABLE, TaskState.FINISHED];

async function play(next: Chance): Promise<void> {
  const turn = async (): Promise<void> => {
    for (let turns = next(4); turns > 0; turns -= 1) await new Promise(setImmediate);
  };
  const world = await createEventWorld({ turn });
  const wishes = [
    { tenantId: 't0', taskId: null },
    { tenantId: 't1', taskId: null },
    { tenantId: 't0', taskId: idOf(0) },
  ];
  await world.transition(0, TaskState.STAGING, { tenantId: 't0' });
  const clients = wishes.map((wish) => startClient(world, wish, next));
  for (let step = 0; step < 120; step += 1) {
    const task = next(8);
    // The one that is followed by itself goes on to the end of the history.
    const state = task === 0 ? TaskState.RUNNING : (states[next(states.length)] ?? TaskState.RUNNING);
    await world.transition(task, state, { tenantId: `t${task % 2}` });
    if (next(25) === 0) await world.changeLeader();
    for (let turns = next(40); turns > 0; turns -= 1) await new Promise(setImmediate);
  }
  for (const client of clients) client.calm();
  for (const [at, { tenantId, taskId }] of wishes.entries()) {
    const client = clients[at];
    if (client === undefined) throw new Error('no client');
    const expected = world.log.put.filter(
      (event) => event.tenantId === tenantId && (taskId === null || event.taskId === taskId),
    );
    await until('the client to have everything', () => client.count() >= expected.length);
    const seen = await client.stop();
    expect(seen.map(({ cursor }) => cursor)).toEqual(expected.map(({ cursor }) => cursor));
    for (const [nth, { text }] of seen.entries()) expect(text).toContain(`"sequence":${expected[nth]?.seq},`);
  }
  expect(world.log.put.some(({ status }) => isEndState(status))).toBe(true);
}

test('whoever goes away and comes again, anywhere, however slow, sees every event of its stream once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), (seed) => play(chanceOf(seed))),
    { numRuns: 25 },
  );
}, 120_000);
