import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { DependencyFailure, TaskState, type TaskId } from '@juice/contracts';
import type { ClaimedLane } from '@juice/persistence';
import { createCollectedLog } from '../testing/collected-log.ts';
import { idAt, storeTask, type CalledBackTask } from '../testing/lane-of.ts';
import { createMemoryLanes, type MemoryLanes } from '@juice/persistence/testing';
import { createMemoryEndpoints, type MemoryEndpoints } from '@juice/persistence/testing';
import type { Attempts } from './attempt.ts';
import { createEndpoints, type Endpoints } from './endpoints.ts';
import { startIntake, type Intake, type IntakeDeps, type IntakeLimits } from './intake.ts';

const limits: IntakeLimits = { concurrency: 8, perEndpoint: 2, leaseMs: 60_000, longestSleepMs: 10_000 };

interface Working {
  readonly lane: ClaimedLane;
  readonly probe: string | null;
  /** The lane is delivered, whatever is pending. */
  end(): Promise<void>;
  /** It has failed, and is to be tried again so much later. */
  putOff(forMs: number): Promise<void>;
}

/** Time passes only when a test says so: sweeps and due times run on Jest's timers. */
describe('the intake', () => {
  let lanes: MemoryLanes;
  let memory: MemoryEndpoints;
  let working: Working[];
  let delivered: string[];
  let known: Endpoints[];
  const started: Intake[] = [];
  const { log, of } = createCollectedLog();
  const rules = { schedule: [0, 600_000], keysAt: () => [] };
  const held = jest.fn();
  const swept = jest.fn();
  const down = jest.fn();
  const broken = jest.fn();

  beforeEach(() => {
    jest.useFakeTimers({ now: 1_750_000_000_000 });
    lanes = createMemoryLanes();
    memory = createMemoryEndpoints();
    known = [];
    working = [];
    delivered = [];
  });
  afterEach(async () => {
    lanes.onOperation = () => undefined;
    const closing = started.splice(0).map((intake) => intake.close());
    await endAll();
    await Promise.all(closing);
    jest.useRealTimers();
    jest.clearAllMocks();
  });

  /** Attempts that last until the test ends them. */
  function workBy(endpoints: Endpoints, postponed: Intake['postponed']): Attempts {
    return {
      deliver: (lane, probe = null) =>
        new Promise((resolve) => {
          const end = async (): Promise<void> => {
            working = working.filter((each) => each.lane !== lane);
            delivered.push(`${lane.taskId}_${lane.state.seq}`);
            endpoints.note(lane.endpoint, { kind: 'answered' }, probe);
            await lanes.deliveries.settleDelivered(lane, { nowMs: Date.now(), leaseMs: limits.leaseMs });
            resolve();
            await settle();
          };
          const putOff = async (forMs: number): Promise<void> => {
            working = working.filter((each) => each.lane !== lane);
            const retryAtMs = Date.now() + forMs;
            await lanes.deliveries.settleFailed(lane, { retryAtMs, reason: 'status-503', triesLeft: 1 });
            postponed(retryAtMs);
            resolve();
            await settle();
          };
          working.push({ lane, probe, end, putOff });
        }),
      async shelve(lane, { reason }) {
        await lanes.deliveries.setAside(lane, { state: 'held', reason, atMs: Date.now(), dueAtMs: null });
      },
    };
  }

  function start(changes: Partial<IntakeLimits> = {}, deps: Partial<IntakeDeps> = {}): Intake {
    let tokens = 0;
    const name = `worker-${started.length}`;
    const newToken = (): string => `${name}-${tokens++}`;
    const endpoints = createEndpoints({
      ...{ store: memory.store, now: Date.now, random: () => 0.5, newToken, leaseMs: limits.leaseMs, log },
      onChange: (endpoint) => intake.endpointChanged(endpoint),
      onBroken: broken,
    });
    known.push(endpoints);
    const intake: Intake = startIntake({
      ...{
        store: lanes.deliveries,
        endpoints,
        attempts: workBy(endpoints, (atMs) => intake.postponed(atMs)),
        newToken,
        log,
      },
      rulesOf: Object.assign(async () => rules, { forgetAll: () => undefined }),
      limits: { ...limits, ...changes },
      now: Date.now,
      random: () => 0,
      by: name,
      onHeld: held,
      onSwept: swept,
      onStoreDown: down,
      onBroken: broken,
      ...deps,
    });
    started.push(intake);
    return intake;
  }

  /** Lets everything happen that needs no time to pass. */
  const settle = () => jest.advanceTimersByTimeAsync(0);
  const endAll = async () => {
    while (working.length > 0) {
      await working[0]?.end();
      await settle();
    }
  };
  const atWork = () => working.map(({ lane }) => lane.taskId);
  const make = async (place: number, given: { host?: string; tenantId?: string; atMs?: number } = {}) => {
    const { host = 'a', tenantId = 'acme', atMs = Date.now() } = given;
    const task = await storeTask(lanes.tasks, { taskId: idAt(place), url: `https://${host}.example/`, atMs, tenantId });
    await task.becomes(TaskState.RUNNING, atMs);
    return task;
  };
  const makeMany = (from: number, count: number, given: Parameters<typeof make>[1] = {}): Promise<CalledBackTask[]> =>
    Promise.all(Array.from({ length: count }, (_, n) => make(from + n, given)));

  test('what is due at the start is found by the sweep', async () => {
    await makeMany(1, 2);
    start();
    await settle();
    expect(atWork()).toEqual([idAt(1), idAt(2)]);
  });

  test('an event wakes its lane at once', async () => {
    const intake = start();
    await settle();
    const task = await make(1);
    intake.wake(task.taskId, 'acme');
    await settle();
    expect(atWork()).toEqual([task.taskId]);
  });

  test('without an event the sweep finds it, and sleeps until exactly the next due time', async () => {
    start();
    await settle();
    await make(1, { atMs: Date.now() + 3_000 });
    await jest.advanceTimersByTimeAsync(10_000);
    expect(atWork()).toEqual([idAt(1)]);
    await endAll();
    await make(2, { atMs: Date.now() + 12_345 });
    await jest.advanceTimersByTimeAsync(12_344);
    expect(atWork()).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(atWork()).toEqual([idAt(2)]);
  });

  test('a lane is worked on by one worker, and again when its lease has ended without a settling', async () => {
    const [task] = await makeMany(1, 1);
    start();
    start();
    await settle();
    expect(working).toHaveLength(1);
    // The first worker hangs past its lease.
    await jest.advanceTimersByTimeAsync(limits.leaseMs + 20);
    expect(working.map(({ lane }) => lane.taskId)).toEqual([task?.taskId, task?.taskId]);
    expect(new Set(working.map(({ lane }) => lane.token)).size).toBe(2);
  });

  test('no lane is claimed before there is room to work on it', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => make(n + 1, { host: `h${n}` })));
    const intake = start();
    await settle();
    expect(working).toHaveLength(limits.concurrency);
    expect(intake.waiting).toBe(12);
    const due = await lanes.deliveries.dueLanes(Date.now(), 100);
    expect(due).toHaveLength(12);
    await endAll();
    expect(delivered).toHaveLength(20);
  });

  test('an endpoint has its cap, and endpoints take turns', async () => {
    await makeMany(1, 30, { host: 'slow' });
    await makeMany(101, 3, { host: 'quick' });
    start();
    await settle();
    const hosts = () => working.map(({ lane }) => new URL(lane.url).host);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(hosts().filter((host) => host === 'slow.example')).toHaveLength(2);
    expect(hosts().filter((host) => host === 'quick.example')).toHaveLength(2);
    await working.find(({ lane }) => lane.url.includes('quick'))?.end();
    await settle();
    expect(hosts().filter((host) => host === 'quick.example')).toHaveLength(2);
    await endAll();
    await jest.advanceTimersByTimeAsync(1_000);
    await endAll();
    expect(new Set(delivered).size).toBe(33);
    expect(delivered).toHaveLength(33);
  });

  test('lanes beyond what an endpoint may have waiting are put aside, out of the way of the others, and none is lost', async () => {
    await makeMany(1, 1_100, { host: 'slow' });
    const intake = start();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(working).toHaveLength(2);
    expect(intake.waiting).toBeLessThan(100);
    await make(5_000, { host: 'quick' });
    await jest.advanceTimersByTimeAsync(1_500);
    expect(atWork()).toContain(idAt(5_000));
    while (delivered.length < 1_101) {
      await endAll();
      await jest.advanceTimersByTimeAsync(250);
    }
    expect(new Set(delivered).size).toBe(1_101);
  });

  describe('an endpoint that takes nothing', () => {
    const slow = 'acme https://slow.example';
    const pause = () =>
      memory.store.pauseEndpoint(slow, { by: 'ops', reason: null, atMs: Date.now(), isOperators: true });
    const stateOf = async (place: number) => (await lanes.tasks.findTasks('acme', [idAt(place)]))[0]?.callback;

    test('has its lanes held, with one write for many, and not written again; the others go on', async () => {
      await pause();
      await makeMany(1, 30, { host: 'slow' });
      await make(101, { host: 'quick' });
      const puts = jest.fn();
      lanes.onOperation = (operation) => (operation === 'putAside' ? puts() : undefined);
      const intake = start();
      await jest.advanceTimersByTimeAsync(20_000);
      expect(atWork()).toEqual([idAt(101)]);
      expect(await stateOf(1)).toMatchObject({ state: 'held', cause: 'endpoint-paused https://slow.example' });
      expect(puts).toHaveBeenCalledTimes(1);
      expect(held).toHaveBeenCalledWith(30);
      expect(intake.waiting).toBe(0);
    });

    test('has the lane of an event held too', async () => {
      await pause();
      const intake = start();
      await settle();
      await make(1, { host: 'slow' });
      intake.wake(idAt(1), 'acme');
      await settle();
      expect(working).toEqual([]);
      expect(await stateOf(1)).toMatchObject({ state: 'held' });
    });

    test('resumed, drains what was held: slowly at first, all of it, and once', async () => {
      await pause();
      await makeMany(1, 60, { host: 'slow' });
      start();
      await jest.advanceTimersByTimeAsync(5_000);
      await memory.store.resumeEndpoint(slow, { atMs: Date.now(), isOperators: true });
      let inFirstSecond = 0;
      for (let ms = 0; ms < 20_000; ms += 50) {
        await jest.advanceTimersByTimeAsync(50);
        expect(working.length).toBeLessThanOrEqual(limits.perEndpoint);
        await endAll();
        if (ms < 900) inFirstSecond = delivered.length;
      }
      expect(inFirstSecond).toBeLessThanOrEqual(2);
      expect(delivered.toSorted()).toEqual(Array.from({ length: 60 }, (_, n) => `${idAt(n + 1)}_2`).toSorted());
    });

    test('and whose breaker is half open gets one lane as the probe, of all workers together; then it drains', async () => {
      await makeMany(1, 20, { host: 'slow' });
      start();
      start();
      await settle();
      const failures = { kind: 'failed', reason: 'status-503', waitMs: null } as const;
      for (let n = 0; n < 10; n += 1) known[0]?.note(slow, failures, null);
      // The other worker learns of it at its next look.
      await jest.advanceTimersByTimeAsync(3_000);
      await endAll();
      await jest.advanceTimersByTimeAsync(26_000);
      expect(working).toEqual([]);
      const before = delivered.length;
      expect(before).toBe(4);
      await jest.advanceTimersByTimeAsync(5_000);
      expect(working.map(({ probe }) => probe)).toEqual([expect.any(String)]);
      await jest.advanceTimersByTimeAsync(5_000);
      expect(working).toHaveLength(1);
      for (let ms = 0; ms < 30_000; ms += 250) {
        await endAll();
        await jest.advanceTimersByTimeAsync(250);
      }
      expect(new Set(delivered).size).toBe(20);
      expect(delivered).toHaveLength(20);
    });

    test('whose lanes another worker put aside, before this one was started: they are found', async () => {
      await pause();
      await makeMany(1, 3, { host: 'slow' });
      const first = start();
      await settle();
      await first.close();
      await memory.store.resumeEndpoint(slow, { atMs: Date.now(), isOperators: true });
      start();
      for (let ms = 0; ms < 25_000; ms += 250) {
        await jest.advanceTimersByTimeAsync(250);
        await endAll();
      }
      expect(delivered).toHaveLength(3);
    });
  });

  test('two tenants with the same receiver do not wait for each other', async () => {
    await makeMany(1, 5, { tenantId: 'acme' });
    await makeMany(11, 1, { tenantId: 'zeta' });
    start();
    await settle();
    expect(atWork()).toContain(idAt(11));
  });

  test('a state that comes while its lane is settled is not missed', async () => {
    const task = await make(1);
    const intake = start();
    await settle();
    const wake = (taskId: TaskId) => intake.wake(taskId, 'acme');
    lanes.onOperation = (operation) => {
      if (operation !== 'settleDelivered') return;
      lanes.onOperation = () => undefined;
      // Just after the settling, before the worker has let go.
      queueMicrotask(() => void task.becomes(TaskState.FINISHED, Date.now()).then(() => wake(task.taskId)));
    };
    await working[0]?.end();
    await settle();
    expect(working.map(({ lane }) => lane.state.seq)).toEqual([3]);
  });

  test('a lane that is put off for less than the sweep sleeps is tried again in time', async () => {
    start();
    await makeMany(1, 2);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(atWork()).toEqual([idAt(1), idAt(2)]);
    await working[0]?.putOff(3_000);
    await working[0]?.putOff(2_000);
    await jest.advanceTimersByTimeAsync(1_999);
    expect(atWork()).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(atWork()).toEqual([idAt(2)]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(atWork()).toEqual([idAt(2), idAt(1)]);
  });

  test('a lane that backs off is not looked at again until it may be tried', async () => {
    const task = await make(1);
    const claim = { nowMs: Date.now(), token: 'other', leaseMs: 1_000, by: 'other' };
    const lane = await lanes.deliveries.claim(task.taskId, claim);
    if (lane === null) throw new Error('the lane could not be claimed');
    await lanes.deliveries.settleFailed(lane, { retryAtMs: Date.now() + 7_000, reason: 'status-503', triesLeft: 1 });
    await task.becomes(TaskState.FINISHED, Date.now());
    const claims = jest.fn();
    lanes.onOperation = (operation) => (operation === 'claim' ? claims() : undefined);
    start();
    await jest.advanceTimersByTimeAsync(6_999);
    expect(claims).toHaveBeenCalledTimes(1);
    expect(working).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(atWork()).toEqual([task.taskId]);
  });

  describe('when MongoDB fails', () => {
    const failure = new DependencyFailure({
      dependency: 'mongodb',
      operation: 'claim',
      retryable: true,
      detail: 'away',
    });

    test('nothing is claimed; the sweep tries again, ever less often, and then work goes on', async () => {
      let asked = 0;
      lanes.onOperation = () => {
        asked += 1;
        throw failure;
      };
      await make(1);
      const intake = start();
      await jest.advanceTimersByTimeAsync(5_000);
      expect(asked).toBe(5);
      expect(intake.isStoreUp).toBe(false);
      lanes.onOperation = () => undefined;
      await jest.advanceTimersByTimeAsync(10_000);
      expect(intake.isStoreUp).toBe(true);
      expect(atWork()).toEqual([idAt(1)]);
    });

    test('the loss is reported once, and the lane that it cost is tried again', async () => {
      start();
      await settle();
      lanes.onOperation = (operation) => {
        if (operation === 'claim') throw failure;
      };
      await makeMany(1, 3);
      await jest.advanceTimersByTimeAsync(10_000);
      expect(down).toHaveBeenCalled();
      expect(of('dependency.lost')[0]).toMatchObject({ level: 'warn', dependency: 'mongodb' });
      lanes.onOperation = () => undefined;
      await jest.advanceTimersByTimeAsync(10_000);
      expect(working).toHaveLength(2);
      expect(broken).not.toHaveBeenCalled();
    });
  });

  test('a bug ends the process', async () => {
    const fails = () => Promise.reject(new TypeError('a bug'));
    await make(1);
    start({}, { attempts: { deliver: fails, shelve: fails } });
    await settle();
    expect(broken).toHaveBeenCalledWith(expect.any(TypeError));
  });

  test('closing waits for what is under way, and claims nothing more', async () => {
    await makeMany(1, 5);
    const intake = start();
    await settle();
    let isClosed = false;
    const closing = intake.close().then(() => (isClosed = true));
    await settle();
    expect(isClosed).toBe(false);
    await endAll();
    await closing;
    expect(delivered).toHaveLength(2);
  });
});
