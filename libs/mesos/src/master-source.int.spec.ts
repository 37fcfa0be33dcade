import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createAlarms, startScriptedMaster, type ScriptedMaster, type Visit } from '../testing/scripted-master.ts';
import {
  describeWithZooKeeper,
  openZnodes,
  type ZnodeWriter,
  type ZooKeeperServer,
} from '../testing/zookeeper-server.ts';
import { createMesosClient } from './client.ts';
import type { Draft } from './conversation.ts';
import { setTimeoutAlarm } from './post.ts';
import type { FrameworkInfo } from './wire.ts';

const framework: Draft<FrameworkInfo> = { user: 'root', name: 'juice', roles: ['juice'] };
const subscribed = { type: 'SUBSCRIBED', subscribed: { framework_id: { value: 'f' } } } as const;
const leading = (visit: Visit) => visit.stream().send(subscribed);

describeWithZooKeeper('subscribing through ZooKeeper', (start) => {
  let server: ZooKeeperServer;
  let znodes: ZnodeWriter;
  beforeAll(async () => {
    server = await start();
    znodes = await openZnodes({ port: server.port });
  }, 40_000);
  afterAll(async () => {
    znodes.close();
    await server.stop();
  });

  const masters: ScriptedMaster[] = [];
  afterEach(async () => {
    await Promise.all(masters.splice(0).map((master) => master.stop()));
  });
  async function startMaster(script: (visit: Visit) => void = leading): Promise<ScriptedMaster> {
    const master = await startScriptedMaster(script);
    masters.push(master);
    return master;
  }

  let places = 0;
  async function newPlace(): Promise<string> {
    return znodes.create(`/place-${++places}`, '');
  }
  function register(path: string, master: ScriptedMaster): Promise<string> {
    const [ip, port] = master.host.split(':');
    const info = JSON.stringify({ id: 'm', ip: 0, port: 1, address: { ip, port: Number(port) } });
    return znodes.create(`${path}/json.info_`, info, 'ephemeral-sequential');
  }
  const clientOf = (path: string) => createMesosClient({ masters: [`zk://${server.address}${path}`] });

  test('asks the leader, and breaks the stream off when another leads, however alive it looks', async () => {
    const path = await newPlace();
    const [a, b] = [await startMaster(), await startMaster()];
    const znodeA = await register(path, a);
    await register(path, b);
    const client = clientOf(path);
    const first = await client.subscribe(framework);
    expect(first.master).toBe(a.url);
    const events = first.events[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ type: 'SUBSCRIBED' });

    const next = events.next();
    await znodes.remove(znodeA);
    await expect(next).rejects.toMatchObject({
      code: 'DEPENDENCY_FAILURE',
      retryable: true,
      message: expect.stringContaining(`${b.url} leads now`),
    });
    expect(await first.call({ type: 'REVIVE', framework_id: { value: 'f' } })).toMatchObject({
      kind: 'subscription-lost',
    });

    const second = await client.subscribe(framework);
    expect(second.master).toBe(b.url);
    second.close();
  });

  test('keeps the stream while nobody else leads, and while ZooKeeper is away', async () => {
    const path = await newPlace();
    const other = await startZooKeeperWith(start, path);
    const master = await startMaster();
    const znode = await other.register(master);
    const client = createMesosClient({ masters: [`zk://${other.server.address}${path}`] });
    const subscription = await client.subscribe(framework);
    const events = subscription.events[Symbol.asyncIterator]();
    await events.next();
    await other.znodes.remove(znode);
    await other.server.stop();
    const next = events.next();
    (master.visits[0] as Visit).response.end();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test('waits for a leader, and says after a while that there is none', async () => {
    const path = await newPlace();
    const master = await startMaster();
    const client = clientOf(path);
    const subscribing = client.subscribe(framework);
    await register(path, master);
    (await subscribing).close();

    const alarms = createAlarms();
    const setAlarm = (delayMs: number, ring: () => void) =>
      delayMs === 777 ? alarms.setAlarm(delayMs, ring) : setTimeoutAlarm(delayMs, ring);
    const url = `zk://${server.address}${await newPlace()}`;
    const waiting = createMesosClient({ masters: [url], leaderMs: 777, setAlarm }).subscribe(framework);
    alarms.ringAll();
    await expect(waiting).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: true });
    await expect(waiting).rejects.toThrow(/no master leads/);
  });

  test('names what is registered and is no master', async () => {
    const path = await newPlace();
    const znode = await znodes.create(`${path}/json.info_`, '{"id":"nobody"}', 'ephemeral-sequential');
    await expect(clientOf(path).subscribe(framework)).rejects.toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: expect.stringContaining(`${znode} does not hold a MasterInfo: "{\\"id\\":\\"nobody\\"}"`),
    });
  });

  test('ends with its signal while it waits, and holds no connection once it is over', async () => {
    const path = await newPlace();
    const client = clientOf(path);
    const stopping = new AbortController();
    const waiting = client.subscribe(framework, [], stopping.signal);
    stopping.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: false });

    const refusing = await startMaster((visit) => visit.answer(503, 'No leader elected'));
    const znode = await register(path, refusing);
    await expect(client.subscribe(framework)).rejects.toMatchObject({ retryable: true });
    await znodes.remove(znode);
    await register(path, await startMaster());
    (await client.subscribe(framework)).close();
    // What is left is the one that writes here.
    for (let open = 0; open !== 1;) open = await server.connections();
  });
});

async function startZooKeeperWith(start: () => Promise<ZooKeeperServer>, path: string) {
  const server = await start();
  const znodes = await openZnodes({ port: server.port });
  await znodes.create(path, '');
  return {
    server,
    znodes,
    register(master: ScriptedMaster) {
      const [ip, port] = master.host.split(':');
      return znodes.create(
        `${path}/json.info_`,
        JSON.stringify({ address: { ip, port: Number(port) } }),
        'ephemeral-sequential',
      );
    },
  };
}
