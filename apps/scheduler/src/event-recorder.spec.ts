import { describe, expect, test } from '@jest/globals';
import type { StatusEvent } from '@juice/contracts';
import { createMemoryEventLog, createMemoryLog } from '@juice/persistence/testing';
import fc from 'fast-check';
import { createMemoryOutboxes } from '../testing/memory-outboxes.ts';
import { awayFailure, createPauses, listeningLog, settle, statusEvent } from '../testing/sample-events.ts';
import { createEventRecorder } from './event-recorder.ts';

function startRecorder(log = createMemoryLog(), epoch = 1) {
  const outboxes = createMemoryOutboxes();
  const pauses = createPauses();
  const eventLog = createMemoryEventLog(log);
  const trouble = { isAway: false, asked: 0, looked: 0 };
  const recorded: StatusEvent[] = [];
  const warned: string[] = [];
  const recorder = createEventRecorder({
    log: {
      lastSeqs(taskIds) {
        trouble.asked += 1;
        return eventLog.lastSeqs(taskIds);
      },
      async open(...term) {
        const writer = await eventLog.open(...term);
        if (writer === 'fenced') return writer;
        return {
          append: (...given) => (trouble.isAway ? Promise.reject(awayFailure('mongodb')) : writer.append(...given)),
        };
      },
    },
    epoch,
    readOutboxes: async (ids) => {
      trouble.looked += 1;
      return outboxes.read(ids);
    },
    recorded: (events) => void recorded.push(...events),
    wait: pauses.wait,
    logger: listeningLog(warned),
    now: () => 0,
  });
  const running = recorder.run();
  const logged = (): string[] => log.put.map(({ taskId, seq }) => `${taskId}:${seq}`);
  return { log, eventLog, outboxes, pauses, trouble, recorder, recorded, warned, running, logged };
}

describe('events to the log', () => {
  test('as they are announced: asked about once a task, until it has ended', async () => {
    const { recorder, logged, trouble, running } = startRecorder();
    for (const seq of [1, 2, 3]) await recorder.offer([statusEvent(1, seq, 3), statusEvent(2, seq)]);
    expect(logged()).toEqual(['1:1', '2:1', '1:2', '2:2', '1:3', '2:3']);
    expect(trouble).toMatchObject({ asked: 1, looked: 0 });
    await recorder.offer([statusEvent(1, 3, 3)]);
    expect(trouble).toMatchObject({ asked: 2, looked: 0 });
    expect(logged()).toHaveLength(6);
    recorder.stop();
    await running;
  });

  test('what comes before one that is announced is fetched from its outbox, and told of with it', async () => {
    const { recorder, outboxes, logged, recorded } = startRecorder();
    for (const seq of [4, 5, 6]) outboxes.add(statusEvent(1, seq));
    await recorder.offer([statusEvent(1, 6)]);
    expect(logged()).toEqual(['1:4', '1:5', '1:6']);
    expect(new Set(recorded.map(({ seq }) => seq))).toEqual(new Set([4, 5, 6]));
  });

  test('what an earlier leader logged and did not clear is not logged again, but told of', async () => {
    const before = startRecorder();
    await before.recorder.offer([statusEvent(1, 1), statusEvent(1, 2)]);
    const { recorder, logged, recorded } = startRecorder(before.log, 2);
    await recorder.offer([statusEvent(1, 1), statusEvent(1, 2), statusEvent(1, 3)]);
    expect(logged()).toEqual(['1:1', '1:2', '1:3']);
    expect(recorded.map(({ seq }) => seq)).toEqual(expect.arrayContaining([1, 2, 3]));
  });

  test('whatever is offered, how often and in which order: each once, a task’s own in order', async () => {
    const counts = [3, 1, 5, 4];
    const all = counts.flatMap((count, task) =>
      Array.from({ length: count }, (_, at) => statusEvent(task + 1, at + 1, task === 2 ? Infinity : count)),
    );
    const offers = fc.array(fc.array(fc.constantFrom(...all), { maxLength: 6 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(offers, async (offered) => {
        const { recorder, outboxes, logged, log } = startRecorder();
        for (const event of all) outboxes.add(event);
        await Promise.all([...offered, all].map((events) => recorder.offer(events)));
        for (const [task, count] of counts.entries()) {
          const seqs = log.put.filter(({ taskId }) => taskId === BigInt(task + 1)).map(({ seq }) => seq);
          expect(seqs).toEqual(Array.from({ length: count }, (_, at) => at + 1));
        }
        expect(logged()).toHaveLength(all.length);
      }),
      { numRuns: 100 },
    );
  });
});

describe('when the log cannot be written', () => {
  test('it is tried again, and nothing is told of until it is there', async () => {
    const { recorder, trouble, recorded, pauses, warned, logged } = startRecorder();
    trouble.isAway = true;
    const offered = recorder.offer([statusEvent(1, 1)]);
    await settle();
    expect(pauses.end()).toBe(1);
    await settle();
    expect(recorded).toEqual([]);
    expect(recorder.backlog).toBe(1);
    expect(warned).toEqual(['call.failed', 'call.failed']);
    trouble.isAway = false;
    pauses.end();
    await offered;
    expect(recorded).toHaveLength(2);
    expect(logged()).toEqual(['1:1']);
    expect(recorder.backlog).toBe(0);
  });

  test('stopping does not wait for it', async () => {
    const { recorder, trouble, running } = startRecorder();
    trouble.isAway = true;
    void recorder.offer([statusEvent(1, 1)]);
    await settle();
    recorder.stop();
    await running;
    expect(recorder.backlog).toBe(1);
  });

  test('too many events are left to their outboxes', async () => {
    const { recorder, trouble } = startRecorder();
    trouble.isAway = true;
    void recorder.offer(Array.from({ length: 49_999 }, (_, at) => statusEvent(at + 1, 1)));
    await recorder.offer([statusEvent(1, 2), statusEvent(1, 3)]);
    expect(recorder.backlog).toBe(49_999);
  });
});

describe('a newer leader', () => {
  test('that writes the log already ends it at once', async () => {
    const newer = startRecorder(createMemoryLog(), 2);
    await newer.recorder.offer([statusEvent(1, 1)]);
    const older = startRecorder(newer.log, 1);
    await expect(older.running).rejects.toMatchObject({ code: 'FENCED' });
  });

  test('that begins to ends it with its next event', async () => {
    const older = startRecorder();
    const over = expect(older.running).rejects.toMatchObject({ code: 'FENCED' });
    await older.recorder.offer([statusEvent(1, 1)]);
    const newer = startRecorder(older.log, 2);
    await newer.recorder.offer([statusEvent(2, 1)]);
    void older.recorder.offer([statusEvent(1, 2)]);
    await over;
    expect(newer.logged()).toEqual(['1:1', '2:1']);
  });
});
