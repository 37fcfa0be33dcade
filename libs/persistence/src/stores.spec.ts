import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import {
  auditStoreContract,
  callbackTestsContract,
  deadLettersContract,
  deliveryStoreContract,
  endpointStoreContract,
  eventLogContract,
  eventRetentionMs,
  frameworkStoreContract,
  keyStoreContract,
  lanesAsideContract,
  leaseStoreContract,
  liveTasksContract,
  outboxContract,
  processStoreContract,
  quarantineStoreContract,
  replayStoreContract,
  requestKeysContract,
  switchStoreContract,
  taskPagesContract,
  taskStoreContract,
  tenantStoreContract,
  transitionContract,
  usageStoreContract,
} from '../testing/index.ts';
import {
  connectMongo,
  createAuditStore,
  createCallbackStores,
  createDeliveryStore,
  createEventLog,
  createFrameworkStore,
  createKeyStore,
  createLeaseStore,
  createProcessStore,
  createQuarantineStore,
  createSwitchStore,
  createTaskStore,
  createTenantStore,
  createUsageStore,
  ensureIndexes,
  fingerprintOf,
  type MongoConnection,
} from './index.ts';
import {
  calledBack,
  finish,
  frame,
  idAt,
  launch,
  newTask,
  requeue,
  run,
  specOf,
  startMs,
  tenant,
} from '../testing/sample-tasks.ts';
import { tasksOf } from './collections.ts';

// The same suites on the embedded server, always, and on a real one when MONGO_URL names it. A database of its own per
// suite, emptied after each test and dropped in the end.
describe('on the embedded server', () => {
  let server: LocalMongo;
  beforeAll(async () => {
    server = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
  });
  afterAll(() => server.stop());
  suites(() => server.url);
});

const realUrl = process.env['MONGO_URL'];
if (realUrl === undefined) test.skip('on a real server: MONGO_URL is not set', () => undefined);
else describe('on a real server', () => suites(() => realUrl));

function suites(url: () => string): void {
  withStores(url, labelsContract);
  withStores(url, taskStoreContract);
  withStores(url, liveTasksContract);
  withStores(url, outboxContract);
  withStores(url, taskPagesContract);
  withStores(url, requestKeysContract);
  withStores(url, transitionContract);
  withStores(url, deliveryStoreContract);
  withStores(url, lanesAsideContract);
  withStores(url, callbackTestsContract);
  withStores(url, laneContract);
  withStores(url, deadLettersContract);
  withStores(url, endpointStoreContract);
  withStores(url, replayStoreContract);
  withStores(url, leaseStoreContract);
  withStores(url, frameworkStoreContract);
  withStores(url, quarantineStoreContract);
  withStores(url, tenantStoreContract);
  withStores(url, switchStoreContract);
  withStores(url, processStoreContract);
  withStores(url, keyStoreContract);
  withStores(url, auditStoreContract);
  withStores(url, eventLogContract);
  withStores(url, usageStoreContract);
  withStores(url, usedTasksContract);
}

type Stores = Awaited<ReturnType<typeof storesOn>>;

function withStores(url: () => string, contract: (make: () => Promise<Stores>) => void): void {
  describe(contract.name, () => {
    let conn: MongoConnection;
    beforeAll(async () => {
      conn = await connectMongo(urlOfOwnDatabase(url(), contract.name), { appName: 'juice-contract' });
      await ensureIndexes(conn);
      await ensureIndexes(conn);
    });
    afterAll(async () => {
      await conn.connection.dropDatabase();
      await conn.close();
    });
    contract(() => storesOn(conn));
    test('the connection is up', async () => {
      await conn.ping();
      expect(conn.isUp()).toBe(true);
    });
  });
}

/** No list of tasks by label is served yet; documents stored today must be found by it when it is. */
function labelsContract(make: () => Promise<Stores>): void {
  describe('labels, as they are stored', () => {
    test('one equality with a pair finds the tasks that have it, whatever its key', async () => {
      const { tasks, raw, close } = await make();
      const odd = { key: '$where.a.b', value: 'x' };
      const labels = [[odd, { key: 'team', value: 'render' }], [{ key: 'team', value: 'x' }], []];
      const specs = [...labels.map((each) => specOf({ labels: each })), specOf()];
      await tasks.insertTasks(specs.map((spec, at) => newTask(idAt(at), { spec })));
      const having = async (key: string, value: string) => {
        const found = await raw.find({ 'spec.labels': { $eq: { key, value } } }, { sort: { _id: 1 } }).toArray();
        return found.map(({ _id }) => _id);
      };
      expect(await having('team', 'render')).toEqual([idAt(0)]);
      expect(await having('team', 'x')).toEqual([idAt(1)]);
      expect(await having(odd.key, odd.value)).toEqual([idAt(0)]);
      expect(await having('render', 'team')).toEqual([]);
      await close();
    });
  });
}

/** What a task used is counted by. */
function usedTasksContract(make: () => Promise<Stores>): void {
  describe('what tasks used', () => {
    test('is told of those that are kept: what each attempt was given, and when it ran', async () => {
      const { tasks, usage, close } = await make();
      const id = idAt(1);
      const at = (ms: number) => ({ atMs: startMs + ms });
      await tasks.insertTasks([newTask(id), newTask(idAt(2))]);
      const steps = [
        launch(id, 0, at(10)),
        run(id, 1, at(20)),
        requeue(id, 2, at(50)),
        launch(id, 3, { ...at(60), attempt: 2 }),
      ];
      for (const [n, step] of steps.entries()) await tasks.applyTransitions(frame(3, `frame-${n}`), [step]);
      const { resources } = specOf();
      expect(await usage.findUsedTasks([id, idAt(2), idAt(9)])).toEqual([
        {
          ...{ taskId: id, resources },
          attempts: [{ n: 1, startedAt: new Date(startMs + 20), endedAt: new Date(startMs + 50) }, { n: 2 }],
        },
        { taskId: idAt(2), resources, attempts: [] },
      ]);
      await close();
    });
  });
}

/** What is shown of a task’s callbacks, to its tenant and to operators. */
function laneContract(make: () => Promise<Stores>): void {
  describe('a task’s lane', () => {
    test('that died before groups were named is in its group all the same', async () => {
      const { tasks, deliveries, deadLetters, raw, close } = await make();
      const url = 'https://acme.example/hook';
      for (const id of [idAt(1), idAt(2)]) {
        await tasks.insertTasks([{ ...calledBack(id), spec: specOf({ callbackUrl: url }) }]);
        await tasks.applyTransitions(frame(1, `${id}`), [launch(id, 0), finish(id, 1, { callback: true })]);
        const lane = await deliveries.claim(id, { nowMs: startMs + 1000, token: `${id}`, leaseMs: 60_000, by: 'w' });
        if (lane === null) throw new Error('the lane could not be claimed');
        await deliveries.settleDead(lane, { nowMs: startMs + 1000, reason: 'status-503', isTried: true });
      }
      await raw.updateOne({ _id: idAt(1) }, { $unset: { 'callback.group': '' } });
      const group = fingerprintOf(`${tenant} https://acme.example`, 'status-503');
      expect(await deadLetters.groupDead({ tenantId: tenant }, 10)).toMatchObject([{ group, count: 2 }]);
      await close();
    });

    test('is found by its tenant and by operators, and is not there for another tenant', async () => {
      const { tasks, findLane, close } = await make();
      const [id, other] = [idAt(1), idAt(2)];
      const url = 'https://acme.example/hook';
      await tasks.insertTasks([newTask(id, { spec: specOf({ callbackUrl: url }) }), newTask(other)]);
      const found = { _id: id, tenantId: tenant, taskName: 'render-frame', callback: { url, state: 'idle' } };
      expect(await findLane(tenant, id)).toMatchObject(found);
      expect(await findLane(null, id)).toMatchObject(found);
      expect(await findLane('other', id)).toBeNull();
      expect(await findLane(null, idAt(9))).toBeNull();
      expect(await findLane(tenant, other)).not.toHaveProperty('callback');
      expect(await findLane(tenant, id)).not.toHaveProperty('spec');
      await close();
    });
  });
}

async function storesOn(conn: MongoConnection) {
  const collections = await conn.connection.listCollections();
  const empty = () => Promise.all(collections.map(({ name }) => conn.connection.collection(name).deleteMany({})));
  await empty();
  return {
    tasks: createTaskStore(conn),
    raw: tasksOf(conn),
    windowed: createTaskStore(conn, { windowSize: 7 }),
    deliveries: createDeliveryStore(conn),
    ...createCallbackStores(conn),
    leases: createLeaseStore(conn),
    frameworks: createFrameworkStore(conn),
    quarantine: createQuarantineStore(conn),
    tenants: createTenantStore(conn),
    switches: createSwitchStore(conn),
    processes: createProcessStore(conn),
    ageProcess: async (id: string, ms: number) => {
      const seen = conn.connection.collection<{ _id: string; seenAt: Date }>('processes');
      await seen.updateOne({ _id: id }, [{ $set: { seenAt: { $subtract: ['$seenAt', ms] } } }]);
    },
    keys: createKeyStore(conn),
    audits: createAuditStore(conn),
    usage: createUsageStore(conn),
    events: createEventLog(conn, { retentionMs: eventRetentionMs }),
    close: async () => {
      await empty();
    },
  };
}

function urlOfOwnDatabase(base: string, suite: string): string {
  const [server = '', query] = base.split('?');
  const host = server.replace(/^(mongodb(?:\+srv)?:\/\/[^/]+).*$/, '$1');
  return `${host}/juice_test_${suite}_${process.pid}${query === undefined ? '' : `?${query}`}`;
}
