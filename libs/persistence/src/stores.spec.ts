import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import {
  auditStoreContract,
  deliveryStoreContract,
  frameworkStoreContract,
  keyStoreContract,
  leaseStoreContract,
  quarantineStoreContract,
  taskStoreContract,
  tenantStoreContract,
  transitionContract,
} from '../testing/index.ts';
import {
  connectMongo,
  createAuditStore,
  createDeliveryStore,
  createFrameworkStore,
  createKeyStore,
  createLeaseStore,
  createQuarantineStore,
  createTaskStore,
  createTenantStore,
  ensureIndexes,
  type MongoConnection,
} from './index.ts';

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
  withStores(url, taskStoreContract);
  withStores(url, transitionContract);
  withStores(url, deliveryStoreContract);
  withStores(url, leaseStoreContract);
  withStores(url, frameworkStoreContract);
  withStores(url, quarantineStoreContract);
  withStores(url, tenantStoreContract);
  withStores(url, keyStoreContract);
  withStores(url, auditStoreContract);
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

async function storesOn(conn: MongoConnection) {
  const collections = await conn.connection.listCollections();
  const empty = () => Promise.all(collections.map(({ name }) => conn.connection.collection(name).deleteMany({})));
  await empty();
  return {
    tasks: createTaskStore(conn),
    deliveries: createDeliveryStore(conn),
    leases: createLeaseStore(conn),
    frameworks: createFrameworkStore(conn),
    quarantine: createQuarantineStore(conn),
    tenants: createTenantStore(conn),
    keys: createKeyStore(conn),
    audits: createAuditStore(conn),
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
