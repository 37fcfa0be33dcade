import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAdminClient } from '@juice/client';
import type { ReplayAnswer } from '@juice/contracts';
import { bundleServer, startServerProcess, type ServerProcess } from '@juice/local-mongo/testing';
import { describeWithRabbit } from '@juice/messaging/testing';
import { startService, until, type JuiceProcess } from '@juice/trial';
import { startFaultWorld, type FaultWorld, endSequence } from './fault-world.ts';
import { createLedger } from './ledger.ts';

const bundles = join(import.meta.dirname, '../../../../dist/apps');
const adminKey = 'an-admin-key-of-thirty-two-characters';
/** With JUICE_TEST_CALLBACKS=2000, three quarters of a minute. */
const dead = Number(process.env['JUICE_TEST_CALLBACKS'] ?? 800);
/** Ten seconds' worth: time to pause it, and to kill in the midst of it. */
const perSecond = dead / 10;
const deadline = { withinMs: 120_000, everyMs: 100 };
const reason = 'the receiver is repaired';

/** Two callback workers, an api, the database and the command line, each a process of its own. */
describeWithRabbit('dead callbacks', (amqpUrl) => {
  let folder: string;
  let store: ServerProcess | undefined;
  let world: FaultWorld | undefined;
  let api: JuiceProcess | undefined;
  let isBroken = true;
  const ledger = createLedger();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'juice-replay-'));
    store = await startServerProcess(await bundleServer(folder), { dataDir: null });
    world = await startFaultWorld({
      ...{ folder, bundles, inherited: process.env, store, broker: { url: amqpUrl }, workers: 2, tenants: 50 },
      env: { JUICE_CALLBACK_SCHEDULE: '0s' },
      answer(callback) {
        // Not an outage, after which the endpoint is left alone: the receiver does not want it.
        const status = isBroken ? 404 : 200;
        ledger.arrived(callback, status);
        return status;
      },
    });
    api = await startService('api', 'api', {
      ...{ bundles, logDir: folder, inherited: process.env },
      env: { JUICE_MONGO_URL: `${store.url}/juice`, JUICE_AMQP_URL: amqpUrl, JUICE_ADMIN_KEY: adminKey },
    });
  }, 120_000);

  afterAll(async () => {
    await api?.end('SIGKILL');
    await world?.close();
    await store?.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const url = (): string => api?.url ?? '';
  /** Resolves when the program has ended. */
  function juice(...argv: readonly string[]): Promise<{ status: number; out: string }> {
    const env = { JUICE_URL: url(), JUICE_ADMIN_KEY: adminKey, PATH: process.env['PATH'] };
    return new Promise((done) => {
      execFile(process.execPath, [join(bundles, 'cli/main.js'), ...argv], { env }, (error, out, complaint) => {
        const status = error === null ? 0 : Number(error.code);
        done({ status, out: `${out}${complaint}` });
      });
    });
  }
  const latest = async (): Promise<ReplayAnswer | undefined> => {
    const { out } = await juice('--json', 'replays', 'list', '--admin', '--limit', '1');
    return out.trim() === '' ? undefined : (JSON.parse(out) as ReplayAnswer);
  };

  test('are replayed by the command line: paused, resumed, a worker killed, each delivered', async () => {
    if (world === undefined) throw new Error('not up');
    for (let at = 0; at < dead; at += 400) {
      const numbers = Array.from({ length: Math.min(400, dead - at) }, (_, n) => at + n);
      for (const { taskId } of await world.endTasks(numbers)) ledger.expect(taskId, endSequence);
    }
    const counted = async (): Promise<number> => {
      const { out } = await juice('--json', 'callbacks', 'replay', '--admin', '--all', '--dry-run');
      return Number(/"matched":\s*(\d+)/.exec(out)?.[1]);
    };
    await until('all of them to die', async () => (await counted()) === dead, { ...deadline, everyMs: 1_000 });
    isBroken = false;

    const rate = ['--rate', String(perSecond)];
    const first = juice('callbacks', 'replay', '--admin', '--all', '--reason', reason, ...rate);
    await until('some to be sent again', () => ledger.accepted > dead / 8, deadline);
    const begun = await latest();
    const replayId = begun?.replayId ?? '';
    expect(await juice('replays', 'pause', replayId, '--admin', '--reason', 'lunch')).toMatchObject({ status: 0 });
    const seen = await first;
    expect(seen.out).toMatch(new RegExp(`running: \\d+ of ${dead} sent again`));
    expect(await latest()).toMatchObject({ state: 'paused', selected: dead });
    expect(ledger.countMissing()).toBeGreaterThan(0);
    await world.killWorker(0);
    expect(await juice('replays', 'resume', replayId, '--admin')).toMatchObject({ status: 0 });
    const following = juice('replays', 'show', replayId, '--admin', '--follow');
    await until('more to be sent again', () => ledger.accepted > dead / 2, deadline);
    await world.killWorker(1);
    expect(await following).toMatchObject({ status: 0 });

    const { repeated, ...account } = ledger.settle();
    expect(account).toMatchObject({ tasks: dead, lost: 0, disordered: 0, strange: 0 });
    // What the killed workers had in hand: answered, and not yet recorded.
    expect(repeated).toBeLessThanOrEqual(128);
    expect(await latest()).toMatchObject({ state: 'done', selected: dead, delivered: dead, failedAgain: 0, reason });
    const { records } = await createAdminClient({ url: url(), adminKey }).audit({ limit: 10 });
    const trail = records.map(({ action, actor, detail }) => [action, actor, JSON.stringify(detail)]);
    expect(trail.toReversed()).toEqual([
      ['replay.created', 'bootstrap', expect.stringContaining(reason)],
      ['replay.paused', 'bootstrap', expect.stringContaining('lunch')],
      ['replay.resumed', 'bootstrap', expect.anything()],
    ]);
  }, 300_000);
});
