import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { loadJson } from '../../testing/recordings.ts';
import { until } from '../../testing/until.ts';
import { describeWithZooKeeper, freePort, openZnodes, type ZooKeeperServer } from '../../testing/zookeeper-server.ts';
import { setTimeoutAlarm } from '../post.ts';
import { watchLeader, type Lead } from './leader-watch.ts';
import { parseZooKeeperUrl } from './zookeeper-url.ts';

const recording = loadJson('two-masters-zookeeper') as { readonly steps: readonly { readonly data?: string }[] };
const [infoA = '', infoB = ''] = recording.steps.flatMap(({ data }) => data ?? []);
const [urlA, urlB] = ['http://127.0.0.1:5050', 'http://127.0.0.1:5060'];

describeWithZooKeeper('the leader in ZooKeeper', (start) => {
  let server: ZooKeeperServer;
  beforeAll(async () => {
    server = await start();
  }, 40_000);
  afterAll(() => server.stop());

  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean();
  });

  /** A place for masters that no other test uses. */
  let places = 0;
  const newPlace = (): string => `/mesos-${++places}`;
  async function masters(options: Omit<Parameters<typeof openZnodes>[0], 'port'> = {}) {
    const znodes = await openZnodes({ port: server.port, ...options });
    cleanups.push(() => znodes.close());
    return znodes;
  }
  async function register(path: string, info: string, options?: Parameters<typeof masters>[0]) {
    const znodes = await masters(options);
    return { znode: await znodes.create(`${path}/json.info_`, info, 'ephemeral-sequential'), ...znodes };
  }

  function watch(url: string) {
    const leads: Lead[] = [];
    const events: { event: string; fields: Readonly<Record<string, unknown>> | undefined }[] = [];
    const tell = (event: string, fields?: Readonly<Record<string, unknown>>) => void events.push({ event, fields });
    const over = new AbortController();
    const watching = watchLeader({
      address: parseZooKeeperUrl(url),
      sessionTimeoutMs: 600,
      setAlarm: setTimeoutAlarm,
      random: Math.random,
      log: { info: tell, warn: tell, error: tell },
      signal: over.signal,
      onLead: (lead) => leads.push(lead),
    });
    cleanups.push(() => (over.abort(), watching));
    const last = () => leads.at(-1);
    return {
      leads,
      events,
      leader: (expected: string) =>
        until(() => {
          const lead = last();
          return lead?.kind === 'leader' && lead.url === expected;
        }, `${expected} leads`),
      none: (detail: string) =>
        until(() => {
          const lead = last();
          return lead?.kind === 'none' && lead.detail.includes(detail);
        }, `nobody leads: ${detail}`),
      last,
    };
  }

  test('is the master registered first, and passes to the next as recorded', async () => {
    const path = newPlace();
    await (await masters()).create(path, '');
    await (await masters()).create(`${path}/log_replicas`, 'not a master');
    const a = await register(path, infoA);
    await register(path, infoB);
    const seen = watch(`zk://${server.address}${path}`);
    await seen.leader(urlA);
    expect(seen.last()).toEqual({ kind: 'leader', znode: `${path}/json.info_0000000001`, url: urlA });
    a.close();
    await seen.leader(urlB);
    // A comes back, behind B.
    await register(path, infoA);
    await until(() => seen.leads.length >= 3, 'the third registration is seen');
    expect(seen.last()).toMatchObject({ kind: 'leader', url: urlB });
  });

  test('passes on when the session of a silent leader expires', async () => {
    const path = newPlace();
    await (await masters()).create(path, '');
    await register(path, infoA, { sessionTimeoutMs: 300, isSilent: true });
    await register(path, infoB);
    const seen = watch(`zk://${server.address}${path}`);
    await seen.leader(urlB);
  });

  test('is awaited where there is no path yet, and where nobody is registered', async () => {
    const path = newPlace();
    const seen = watch(`zk://${server.address}${path}`);
    await seen.none(`there is no ${path}`);
    await (await masters()).create(path, '');
    await seen.none(`no master is registered in ${path}`);
    await register(path, infoB);
    await seen.leader(urlB);
  });

  test('is not guessed from a znode that holds something else, until it does', async () => {
    const path = newPlace();
    const znodes = await masters();
    await znodes.create(path, '');
    const znode = await znodes.create(`${path}/json.info_`, '\x08\x01binary', 'ephemeral-sequential');
    const seen = watch(`zk://${server.address}${path}`);
    await until(() => seen.last()?.kind === 'garbage', 'garbage is seen');
    expect((seen.last() as Lead & { kind: 'garbage' }).error).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: expect.stringContaining(`${znode} does not hold a MasterInfo`),
    });
    await znodes.replace(znode, infoA);
    await seen.leader(urlA);
  });

  test('is told to those alone who may read it', async () => {
    const path = newPlace();
    const owner = await masters({ auth: 'juice:s3cret' });
    await owner.create(path, '', 'private');
    await owner.create(`${path}/json.info_`, infoA, 'ephemeral-sequential');
    const stranger = watch(`zk://${server.address}${path}`);
    const wrong = watch(`zk://juice:guess@${server.address}${path}`);
    const friend = watch(`zk://juice:s3cret@${server.address}${path}`);
    await friend.leader(urlA);
    await stranger.none(`no permission to read ${path}`);
    await wrong.none(`no permission to read ${path}`);
    expect(JSON.stringify(friend.events)).not.toContain('s3cret');
  });

  test('is read anew from another server of the list, and after a restart', async () => {
    const path = newPlace();
    const nobody = await freePort();
    await (await masters()).create(path, '');
    // Not ephemeral: they outlive the restart, as masters that register again at once would.
    await (await masters()).create(`${path}/json.info_0000000001`, infoB);
    const seen = watch(`zk://127.0.0.1:${nobody},${server.address}${path}`);
    await seen.leader(urlB);
    await server.halt();
    await until(() => seen.events.filter(({ event }) => event === 'dependency.unreachable').length > 0, 'it is said');
    expect(seen.events.map(({ event }) => event).slice(0, 3)).toEqual([
      'dependency.connected',
      'dependency.lost',
      'dependency.unreachable',
    ]);
    expect(seen.last()).toMatchObject({ kind: 'none' });
    await server.resume();
    await (await masters()).create(`${path}/json.info_0000000000`, infoA);
    await seen.leader(urlA);
  }, 60_000);

  test('is read anew when the server was silent for longer than the session', async () => {
    const path = newPlace();
    await (await masters()).create(path, '');
    await (await masters()).create(`${path}/json.info_0000000001`, infoB);
    const seen = watch(`zk://${server.address}${path}`);
    await seen.leader(urlB);
    server.freeze();
    await seen.none('silent for 400 ms');
    server.thaw();
    await (await masters()).create(`${path}/json.info_0000000000`, infoA);
    await seen.leader(urlA);
  });
});
