import { beforeEach, describe, expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { createCollectedLog } from '../testing/collected-log.ts';
import { createMemoryEndpoints, type MemoryEndpoints } from '@juice/persistence/testing';
import { createEndpoints, type Endpoints, type Noted } from './endpoints.ts';

const name = 'acme https://receiver.example';
const failed: Noted = { kind: 'failed', reason: 'status-503', waitMs: null };
const answered: Noted = { kind: 'answered' };

describe('endpoints, as several workers know them', () => {
  let memory: MemoryEndpoints;
  let nowMs: number;
  let changed: string[];
  let broken: unknown[];
  let workers: number;
  const { log, lines, of } = createCollectedLog();
  beforeEach(() => {
    memory = createMemoryEndpoints();
    nowMs = 1_750_000_000_000;
    changed = [];
    broken = [];
    workers = 0;
    lines.splice(0);
  });

  function worker(): Endpoints {
    workers += 1;
    const who = workers;
    let tokens = 0;
    return createEndpoints({
      store: memory.store,
      now: () => nowMs,
      random: () => 0.5,
      newToken: () => `probe-${who}-${tokens++}`,
      leaseMs: 60_000,
      log,
      onChange: (endpoint) => changed.push(endpoint),
      onBroken: (error) => broken.push(error),
    });
  }
  const fail = (endpoints: Endpoints, times: number): void => {
    for (let n = 0; n < times; n += 1) endpoints.note(name, failed, null);
  };
  /** A worker whose breaker is open, and half open when its time has passed. */
  const opened = async (): Promise<Endpoints> => {
    const endpoints = worker();
    await endpoints.refresh();
    fail(endpoints, 10);
    await endpoints.idle();
    return endpoints;
  };

  test('an endpoint that nothing is known of is free', () => {
    expect(worker().admission(name)).toEqual({ kind: 'free' });
    expect(worker().hasTrouble('acme')).toBe(false);
  });

  test('what one worker has opened holds there at once, and for the others at their next look', async () => {
    const [one, other] = [worker(), worker()];
    await Promise.all([one.refresh(), other.refresh()]);
    fail(one, 9);
    expect(one.admission(name)).toEqual({ kind: 'free' });
    fail(one, 1);
    expect(one.admission(name)).toMatchObject({ kind: 'shut', reason: 'endpoint-open' });
    expect(one.hasTrouble('acme')).toBe(true);
    expect(one.hasTrouble('zeta')).toBe(false);
    expect(one.reasonOf(name)).toBe('status-503');
    expect(changed).toContain(name);
    expect(other.admission(name)).toEqual({ kind: 'free' });
    await one.idle();
    await other.refresh();
    expect(other.admission(name)).toEqual(one.admission(name));
    expect(of('breaker.opened')).toMatchObject([
      { level: 'warn', tenantId: 'acme', origin: 'https://receiver.example', reason: 'status-503', consecutive: 10 },
    ]);
  });

  test('two workers that open it at the same moment open it once', async () => {
    const [one, other] = [worker(), worker()];
    await Promise.all([one.refresh(), other.refresh()]);
    fail(one, 10);
    fail(other, 10);
    await Promise.all([one.idle(), other.idle()]);
    expect(await memory.store.loadEndpoints([name])).toMatchObject([{ openings: 1 }]);
    expect(broken).toEqual([]);
  });

  test('of all workers one probes', async () => {
    const one = await opened();
    const other = worker();
    await other.refresh();
    expect(await one.takeProbe(name)).toBeNull();
    nowMs += 30_000;
    expect(one.admission(name)).toEqual({ kind: 'probe' });
    const tokens = await Promise.all([one.takeProbe(name), other.takeProbe(name)]);
    expect(tokens.filter((token) => token !== null)).toHaveLength(1);
    expect([one.admission(name), other.admission(name)]).toMatchObject([{ kind: 'shut' }, { kind: 'shut' }]);
  });

  test('a probe that is taken closes the breaker, and traffic grows from one', async () => {
    const one = await opened();
    nowMs += 30_000;
    const token = await one.takeProbe(name);
    one.note(name, answered, token);
    expect(one.admission(name)).toMatchObject({ kind: 'ramp', allowance: 1 });
    expect(one.begunInRamp(name, nowMs)).toBe(0);
    one.begin(name);
    expect(one.begunInRamp(name, nowMs)).toBe(1);
    expect(one.rampFromMs(name)).toBe(nowMs);
    await one.idle();
    expect(of('breaker.closed')).toHaveLength(1);
    nowMs += 60_000;
    expect(one.admission(name)).toEqual({ kind: 'free' });
  });

  test('a probe that fails leaves it open for twice as long', async () => {
    const one = await opened();
    nowMs += 30_000;
    one.note(name, failed, await one.takeProbe(name));
    expect(one.admission(name)).toMatchObject({ kind: 'shut', untilMs: nowMs + 60_000 });
  });

  test('a probe that was not made is anybody’s again', async () => {
    const one = await opened();
    nowMs += 30_000;
    one.note(name, { kind: 'nothing' }, await one.takeProbe(name));
    expect(one.admission(name)).toEqual({ kind: 'probe' });
    await one.idle();
    expect(await one.takeProbe(name)).toBe('probe-1-1');
  });

  test('a probe whose worker died is taken over when its lease has ended', async () => {
    const one = await opened();
    nowMs += 30_000;
    await one.takeProbe(name);
    const other = worker();
    await other.refresh();
    nowMs += 59_999;
    expect(await other.takeProbe(name)).toBeNull();
    nowMs += 1;
    const token = await other.takeProbe(name);
    expect(token).toMatch(/^probe-2-/);
    other.note(name, answered, token);
    await other.idle();
    // The first one comes back: it changes nothing.
    one.note(name, failed, 'probe-1-0');
    await one.idle();
    expect((await memory.store.loadEndpoints([name]))[0]?.breaker).toBeNull();
  });

  test('Retry-After and 410 are of the endpoint', async () => {
    const one = worker();
    await one.refresh();
    one.note(name, { ...failed, waitMs: 3_600_000 }, null);
    expect(one.admission(name)).toEqual({ kind: 'shut', reason: 'endpoint-waits', untilMs: nowMs + 3_600_000 });
    one.note(name, { kind: 'gone', reason: 'status-410' }, null);
    expect(one.admission(name)).toMatchObject({ reason: 'endpoint-gone' });
    await one.idle();
    expect(await memory.store.loadEndpoints([name])).toMatchObject([{ gone: { reason: 'status-410' } }]);
    expect(of('endpoint.held')).toHaveLength(1);
  });

  test('an operator pauses and resumes it, while a worker writes beside', async () => {
    const one = worker();
    await one.refresh();
    await memory.store.pauseEndpoint(name, { by: 'ops', reason: null, atMs: nowMs, isOperators: true });
    fail(one, 10);
    await one.idle();
    expect(await memory.store.loadEndpoints([name])).toMatchObject([{ paused: { by: 'ops' }, openings: 1 }]);
    expect(one.admission(name)).toMatchObject({ reason: 'endpoint-paused' });
    nowMs += 1_000;
    await memory.store.resumeEndpoint(name, { atMs: nowMs, isOperators: true });
    await one.refresh();
    expect(one.admission(name)).toMatchObject({ kind: 'ramp', fromMs: nowMs });
  });

  test('what could not be written holds here, and is written at a later look', async () => {
    const one = worker();
    await one.refresh();
    memory.onOperation = () => {
      throw new DependencyFailure({ dependency: 'mongodb', operation: 'save', retryable: true, detail: 'away' });
    };
    fail(one, 10);
    await one.idle();
    expect(one.admission(name)).toMatchObject({ kind: 'shut' });
    await expect(one.refresh()).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE' });
    memory.onOperation = () => undefined;
    await one.refresh();
    await one.idle();
    expect(await memory.store.loadEndpoints([name])).toMatchObject([{ openings: 1 }]);
    expect(broken).toEqual([]);
  });

  test('a bug while writing ends the process', async () => {
    const one = worker();
    memory.onOperation = () => {
      throw new TypeError('a bug');
    };
    fail(one, 10);
    await one.idle();
    expect(broken).toEqual([expect.any(TypeError)]);
  });

  test('a worker that starts knows of all; one that is removed is free again', async () => {
    await opened();
    nowMs += 86_400_000;
    const late = worker();
    await late.refresh();
    expect(late.admission(name)).toEqual({ kind: 'probe' });
    const emptied = createMemoryEndpoints();
    memory.store.loadEndpoints = emptied.store.loadEndpoints;
    memory.store.endpointsChangedSince = emptied.store.endpointsChangedSince;
    await late.refresh();
    expect(late.admission(name)).toEqual({ kind: 'free' });
    expect(late.hasTrouble('acme')).toBe(false);
  });

  test('one that is free and not called for ten minutes is forgotten', async () => {
    const one = worker();
    one.begin(name);
    await one.refresh();
    expect([...one.known()]).toHaveLength(1);
    nowMs += 600_001;
    await one.refresh();
    expect([...one.known()]).toEqual([]);
  });
});
