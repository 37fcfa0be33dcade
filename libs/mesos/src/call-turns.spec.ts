import { expect, test } from '@jest/globals';
import type { CallAnswer } from './answers.ts';
import { createTurns } from './call-turns.ts';

const accepted: CallAnswer = { kind: 'accepted' };
const unknown: CallAnswer = { kind: 'unknown', detail: 'no answer' };
const lost = { kind: 'subscription-lost' };

/** Calls that the test answers: `sent` has them in the order they were sent, until they are answered. */
function createTrial({ limit = 2, maxWaiting = 100 } = {}) {
  const sent: { readonly name: string; readonly answer: (answer: CallAnswer) => void }[] = [];
  let closed = 0;
  const turns = createTurns({
    limit,
    maxWaiting,
    send: (body) => new Promise((answer) => sent.push({ name: Buffer.from(body).toString(), answer })),
    onClosed: () => (closed += 1),
  });
  return {
    turns,
    call: (name: string) => turns.call(Buffer.from(name)),
    inFlight: () => sent.map(({ name }) => name),
    closed: () => closed,
    async answer(answer: CallAnswer) {
      sent.shift()?.answer(answer);
      // The promises between an answer and the next call.
      for (let i = 0; i < 5; i++) await Promise.resolve();
    },
  };
}

test('so many are in flight, the others follow in order', async () => {
  const trial = createTrial();
  const answers = Promise.all(['a', 'b', 'c', 'd'].map(trial.call));
  expect(trial.inFlight()).toEqual(['a', 'b']);
  expect(trial.turns.waiting()).toBe(2);
  await trial.answer(accepted);
  expect(trial.inFlight()).toEqual(['b', 'c']);
  for (let i = 0; i < 3; i++) await trial.answer(accepted);
  expect(await answers).toEqual(Array(4).fill(accepted));
  expect(trial.turns.waiting()).toBe(0);
});

test('a call that fails leaves its turn to the next', async () => {
  const trial = createTrial({ limit: 1 });
  const answers = Promise.all(['a', 'b', 'c'].map(trial.call));
  await trial.answer(unknown);
  await trial.answer(accepted);
  await trial.answer(unknown);
  expect(await answers).toEqual([unknown, accepted, unknown]);
});

test('more failures in a row than there are connections end the waiting', async () => {
  const trial = createTrial();
  const answers = Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(trial.call));
  await trial.answer(unknown);
  await trial.answer(unknown);
  expect(trial.inFlight()).toEqual(['c', 'd']);
  await trial.answer(unknown);
  expect(trial.inFlight()).toEqual(['d']);
  await trial.answer(accepted);
  const notSent = { kind: 'unknown', detail: 'not sent: no answer' };
  expect(await answers).toEqual([unknown, unknown, unknown, accepted, notSent, notSent]);
});

test('an answer in between starts the count anew', async () => {
  const trial = createTrial({ limit: 1 });
  const answers = Promise.all(['a', 'b', 'c', 'd'].map(trial.call));
  for (const answer of [unknown, accepted, unknown, accepted]) await trial.answer(answer);
  expect(await answers).toEqual([unknown, accepted, unknown, accepted]);
});

test('what comes when too many wait is not sent', async () => {
  const trial = createTrial({ limit: 1, maxWaiting: 1 });
  const answers = Promise.all(['a', 'b'].map(trial.call));
  expect(await trial.call('c')).toEqual({ kind: 'unknown', detail: 'not sent: 1 calls wait already' });
  await trial.answer(accepted);
  await trial.answer(accepted);
  expect(await answers).toEqual([accepted, accepted]);
});

test('at the end what waits is not sent, what is in flight is answered, and then it closes', async () => {
  const trial = createTrial();
  const answers = ['a', 'b', 'c'].map(trial.call);
  trial.turns.end();
  trial.turns.end();
  expect(await answers[2]).toMatchObject(lost);
  expect(await trial.call('d')).toMatchObject(lost);
  await trial.answer(accepted);
  expect(trial.closed()).toBe(0);
  await trial.answer(unknown);
  expect(trial.closed()).toBe(1);
  expect(await Promise.all(answers)).toMatchObject([accepted, unknown, lost]);
});

test('closes at once when nothing is in flight', () => {
  const trial = createTrial();
  trial.turns.end();
  expect(trial.closed()).toBe(1);
});
