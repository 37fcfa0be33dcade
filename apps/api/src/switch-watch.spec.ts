import { expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { createMemorySwitches } from '@juice/persistence/testing';
import { createSwitchWatch } from './switch-watch.ts';

const ann = { reason: 'full', by: 'bootstrap' };

function failure(dependency: string): DependencyFailure {
  return new DependencyFailure({ dependency, operation: 'load switches', retryable: true, detail: 'is down' });
}

function createWorld({ isBrokerDown = false } = {}) {
  const store = createMemorySwitches();
  const warnings: unknown[] = [];
  let isDown = false;
  let publish: () => void = () => undefined;
  let pass: () => void = () => undefined;
  const watch = createSwitchWatch({
    switches: { loadSwitches: async () => (isDown ? Promise.reject(failure('mongodb')) : store.loadSwitches()) },
    hints: {
      async listen(_exchange, _pattern, onPublished) {
        if (isBrokerDown) throw failure('rabbitmq');
        publish = onPublished;
        return { cancel: async () => undefined };
      },
    },
    wait: (_ms, signal) =>
      new Promise((resolve) => {
        pass = resolve;
        signal.addEventListener('abort', () => resolve());
      }),
    log: { warn: (event, { dependency }) => void warnings.push([event, dependency]) },
  });
  return {
    ...{ watch, store, warnings },
    publish: () => publish(),
    pass: () => pass(),
    setDown: (down: boolean) => void (isDown = down),
    settled: () => new Promise<void>((resolve) => void setImmediate(resolve)),
  };
}

test('what is on is known from the start, and what is turned as soon as a message says so', async () => {
  const { watch, store, publish, settled } = createWorld();
  await store.turnOn('stop-intake', ann, 1);
  await watch.start();
  expect(watch.intakeStop()).toBe('full');
  await store.turnOff('stop-intake');
  await store.turnOn('stop-launching:batch', ann, 2);
  await store.turnOn('drain-scheduler:a', ann, 2);
  await store.turnOn('drain-scheduler:b', ann, 2);
  await store.turnOn('of-a-later-version', ann, 2);
  publish();
  await settled();
  expect(watch.intakeStop()).toBeNull();
  expect(watch.counts()).toEqual({ 'stop-launching': 1, 'stop-intake': 0, 'drain-scheduler': 2 });
  await watch.stop();
});

test('without the broker it is known after a while', async () => {
  const { watch, store, pass, settled } = createWorld({ isBrokerDown: true });
  await watch.start();
  await store.turnOn('stop-intake', ann, 1);
  expect(watch.intakeStop()).toBeNull();
  pass();
  await settled();
  expect(watch.intakeStop()).toBe('full');
  await watch.stop();
});

test('while the store is away everything is as it was', async () => {
  const { watch, store, pass, settled, setDown, warnings } = createWorld();
  await store.turnOn('stop-intake', ann, 1);
  await watch.start();
  setDown(true);
  pass();
  await settled();
  expect(watch.intakeStop()).toBe('full');
  expect(warnings).toEqual([['dependency.unreachable', 'mongodb']]);
  setDown(false);
  await store.turnOff('stop-intake');
  pass();
  await settled();
  expect(watch.intakeStop()).toBeNull();
  await watch.stop();
});

test('a start without the store fails', async () => {
  const { watch, setDown } = createWorld();
  setDown(true);
  await expect(watch.start()).rejects.toMatchObject({ dependency: 'mongodb' });
});
