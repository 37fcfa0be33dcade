import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { TaskState, type TaskId } from '@juice/contracts';
import { startLocalMesos, type LocalMesos } from '@juice/local-mesos';
import { createMesosClient } from '@juice/mesos';
import { describeWithZooKeeper, openZnodes, type ZnodeWriter, type ZooKeeperServer } from '@juice/mesos/testing';
import { createMemoryBroker } from '@juice/messaging';
import { createLogger } from '@juice/observability';
import { createMemoryEventLog } from '@juice/persistence/testing';
import { defaultPolicy } from '@juice/scheduling';
import { until } from '@juice/trial';
import { createMemoryStore, plainTenants, unswitched } from '../testing/memory-store.ts';
import { frameworkInfo } from './session.ts';
import { startTerm, type Term } from './term.ts';

/**
 * A cluster whose masters register in ZooKeeper, and a scheduler that is given nothing but ZooKeeper's address: the
 * leader's stream is alive all the time, only the registrations change.
 */
describeWithZooKeeper('a scheduler whose masters are in ZooKeeper', (start) => {
  let zookeeper: ZooKeeperServer;
  let znodes: ZnodeWriter;
  let mesos: LocalMesos;
  let folder: string;
  let term: Term | null = null;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'juice-leader-change-'));
    zookeeper = await start();
    znodes = await openZnodes({ port: zookeeper.port });
    mesos = await startLocalMesos({
      dataDir: folder,
      agents: [{ cpus: 4, memMb: 4096, diskMb: 1000 }],
      executor: 'simulated',
      followers: 1,
    });
  }, 40_000);
  afterEach(() => term?.stop());
  afterAll(async () => {
    await mesos.stop();
    znodes.close();
    await zookeeper.stop();
    await rm(folder, { recursive: true });
  });

  function register(url: string): Promise<string> {
    const { hostname: ip, port } = new URL(url);
    const info = JSON.stringify({ id: 'm', ip: 0, port: 0, address: { ip, port: Number(port) } });
    return znodes.create(`/mesos/json.info_`, info, 'ephemeral-sequential');
  }

  test('waits for a leader, follows a change of leader, and goes on as the same framework', async () => {
    const store = createMemoryStore();
    const lines: string[] = [];
    const stream = new PassThrough().on('data', (line: Buffer) => lines.push(line.toString()));
    const log = createLogger({ service: 'test', level: 'info', stream });
    const broker = createMemoryBroker({ log });
    const client = createMesosClient({ masters: [`zk://${zookeeper.address}/mesos`], leaderMs: 100, log });
    const subscribedAs: (string | null)[] = [];
    let frameworkId: string | null = null;
    term = startTerm({
      leadership: {
        epoch: 1,
        assertLeading: () => undefined,
        lost: new Promise(() => undefined),
        release: () => Promise.resolve(),
      },
      store,
      eventLog: createMemoryEventLog(),
      frameworks: {
        claim: () => Promise.resolve({ frameworkId }),
        save: (_name, id) => {
          frameworkId = id;
          return Promise.resolve('saved');
        },
        clear: () => Promise.resolve(),
      },
      quarantine: { put: () => Promise.resolve(), keys: () => Promise.resolve([]) },
      tenants: plainTenants,
      ...unswitched,
      frameworkName: 'juice',
      whenRemoved: 'new-id',
      broker,
      subscribe: (id, signal) => {
        subscribedAs.push(id);
        const settings = { name: 'juice', user: 'root', roles: ['juice'], principal: null, hostname: 'h' };
        const info = frameworkInfo({ ...settings, failoverTimeoutMs: 60_000, frameworkId: id });
        return client.subscribe(info, [], signal);
      },
      policy: defaultPolicy,
      log,
      now: Date.now,
      random: () => 0,
    });
    const runTask = async (): Promise<void> => {
      const taskId: TaskId = store.submit();
      await broker.publish('juice.tasks', 'task', { v: 1, taskIds: [String(taskId)] });
      await until('the task to end', () => store.statuses(taskId).at(-1) === TaskState.FINISHED);
    };
    const said = (words: string): boolean => lines.join('').includes(words);

    await until('the missing path to be said', () => said('no master leads: there is no /mesos'));
    await znodes.create('/mesos', '');
    await until('the missing leader to be said', () => said('no master leads: no master is registered in /mesos'));
    const first = await register(mesos.url);
    await runTask();

    // The other master leads now; it is a stand-in, and sends us back to the cluster.
    const second = await register(mesos.followerUrls[0] ?? '');
    await znodes.remove(first);
    await until('the change to be said', () => said(`leads now (${second})`));
    await runTask();
    expect(subscribedAs.filter((id) => id !== null)).toEqual([frameworkId]);
    expect(lines.filter((line) => line.includes('"cluster.subscribed"'))).toHaveLength(2);
  }, 60_000);
});
