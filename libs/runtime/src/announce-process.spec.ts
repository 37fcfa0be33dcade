import { expect, test } from '@jest/globals';
import { DependencyFailure, productVersion, type ServiceProcess } from '@juice/contracts';
import { announceProcess } from './announce-process.ts';

const turn = (): Promise<void> => new Promise(setImmediate);
const startMs = 5_000;

/** Notes in memory, which can be away or hang; waits are over when the test says so. */
function createWorld() {
  const noted = new Map<string, ServiceProcess>();
  const did: string[] = [];
  let trouble: Error | null = null;
  let hanging: Promise<void> | null = null;
  let pass = (): void => undefined;
  async function meet(what: string): Promise<void> {
    did.push(what);
    if (hanging !== null) await hanging;
    if (trouble !== null) throw trouble;
  }
  const announce = () =>
    announceProcess({
      ...{ service: 'scheduler', host: 's1.example', now: () => startMs, random: () => 0.5 },
      notes: {
        async noteProcess(process) {
          await meet('note');
          noted.set(process.id, process);
        },
        async removeProcess(id) {
          await meet('remove');
          noted.delete(id);
        },
      },
      wait: (ms, signal) =>
        new Promise((resolve) => {
          did.push(`wait ${ms}`);
          pass = resolve;
          if (signal.aborted) resolve();
          signal.addEventListener('abort', () => resolve());
        }),
    });
  return {
    noted: () => [...noted.values()],
    did,
    announce,
    hang: () => {
      let end = (): void => undefined;
      hanging = new Promise((resolve) => (end = resolve));
      return () => {
        hanging = null;
        end();
      };
    },
    fail: (error: Error | null) => (trouble = error),
    async pass() {
      pass();
      await turn();
    },
  };
}

const away = new DependencyFailure({ dependency: 'mongodb', operation: 'note', retryable: true, detail: 'is down' });

test('a process is noted at once and every half a minute, and is gone when it has stopped', async () => {
  const { noted, did, announce, pass } = createWorld();
  const announced = announce();
  await turn();
  const self = { service: 'scheduler', host: 's1.example', version: productVersion, node: process.version };
  expect(noted()).toEqual([{ ...self, id: expect.stringMatching(/^[0-9a-f-]{36}$/), since: new Date(startMs) }]);
  await pass();
  expect(did).toEqual(['note', 'wait 30000', 'note', 'wait 30000']);
  expect(noted()).toHaveLength(1);
  await announced.stop();
  expect(noted()).toEqual([]);
});

test('each start is another one', async () => {
  const { noted, announce } = createWorld();
  const both = [announce(), announce()];
  await turn();
  expect(new Set(noted().map(({ id }) => id)).size).toBe(2);
  await Promise.all(both.map((each) => each.stop()));
  expect(noted()).toEqual([]);
});

test('a database that is away is no failure: the next round notes it', async () => {
  const { noted, announce, fail, pass } = createWorld();
  fail(away);
  const announced = announce();
  await turn();
  expect(noted()).toEqual([]);
  fail(null);
  await pass();
  expect(noted()).toHaveLength(1);
  fail(away);
  await announced.stop();
});

test('stopping does not wait for a database that hangs', async () => {
  const { did, announce, hang, pass } = createWorld();
  const end = hang();
  const announced = announce();
  let isStopped = false;
  const stopped = announced.stop().then(() => (isStopped = true));
  await turn();
  expect(isStopped).toBe(false);
  expect(did).toEqual(['note', 'wait 1000']);
  await pass();
  await stopped;
  end();
});

test('what is being noted when it stops is removed after it', async () => {
  const { noted, did, announce, hang } = createWorld();
  const end = hang();
  const announced = announce();
  const stopped = announced.stop();
  await turn();
  end();
  await stopped;
  expect(noted()).toEqual([]);
  expect(did.filter((what) => !what.startsWith('wait'))).toEqual(['note', 'remove']);
});
