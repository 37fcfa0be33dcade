import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { createLogger } from '@juice/observability';
import { connectMongo, createLeaseStore, type LeaseStore, type MongoConnection } from '@juice/persistence';
import { lead } from './leadership.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let server: LocalMongo;
let conn: MongoConnection;
let leases: LeaseStore;

beforeAll(async () => {
  server = await startLocalMongo({ dataDir: null });
  conn = await connectMongo(server.url, { appName: 'test' });
  leases = createLeaseStore(conn);
});
afterAll(async () => {
  await conn.close();
  await server.stop();
});

function candidate(holder: string, more: Partial<Parameters<typeof lead>[0]> = {}) {
  const signal = new AbortController().signal;
  return lead({ leases, holder, url: null, leaseMs: 300, signal, log, elapsedMs: () => performance.now(), ...more });
}

describe('leadership', () => {
  test('is had at once when it is free, by one at a time, and passes on when it is given back', async () => {
    const first = await candidate('first');
    first.assertLeading();
    const waiting = candidate('second');
    await expect(Promise.race([waiting, first.lost, leases.read('scheduler')])).resolves.toMatchObject({
      holder: 'first',
    });
    await first.release();
    const second = await waiting;
    expect(second.epoch).toBe(first.epoch + 1);
    await second.release();
  });

  test('of one that cannot renew ends by itself, before another has it', async () => {
    const cutOff: LeaseStore = {
      ...leases,
      renew: () => {
        const facts = { dependency: 'mongodb', operation: 'renew lease', retryable: true, detail: 'cut off' };
        return Promise.reject(new DependencyFailure(facts));
      },
    };
    const first = await candidate('cut off', { leases: cutOff });
    let lostFirst = false;
    void first.lost.then(() => (lostFirst = true));
    const second = await candidate('second');
    expect(lostFirst).toBe(true);
    expect(() => first.assertLeading()).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
    await second.release();
  });

  test('is not asserted past the lease, even when no timer has run: the process was stopped and goes on', async () => {
    const clock = { ms: 0 };
    const paused = await candidate('paused', { elapsedMs: () => clock.ms });
    clock.ms = 299;
    paused.assertLeading();
    clock.ms = 300;
    expect(() => paused.assertLeading()).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
    await paused.release();
  });

  test('taken by another is lost', async () => {
    const first = await candidate('first');
    const seen = await leases.read('scheduler');
    await leases.take('scheduler', 'thief', null, seen);
    await expect(first.lost).resolves.toMatchObject({ code: 'LEASE_LOST' });
    const held = await leases.read('scheduler');
    await leases.release('scheduler', 'thief', held?.epoch ?? 0);
  });
});
