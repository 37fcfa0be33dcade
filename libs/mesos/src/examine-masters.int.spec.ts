import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  describeWithZooKeeper,
  openZnodes,
  type ZnodeWriter,
  type ZooKeeperServer,
} from '../testing/zookeeper-server.ts';
import { examineMasters } from './examine-masters.ts';

describeWithZooKeeper('masters that ZooKeeper tells of', (start) => {
  let zookeeper: ZooKeeperServer;
  let znodes: ZnodeWriter;
  const master = createServer((_request, response) => response.writeHead(405).end());
  beforeAll(async () => {
    zookeeper = await start();
    znodes = await openZnodes({ port: zookeeper.port });
    await new Promise<void>((resolve) => master.listen(0, '127.0.0.1', resolve));
  }, 40_000);
  afterAll(async () => {
    await new Promise((resolve) => master.close(resolve));
    znodes.close();
    await zookeeper.stop();
  });

  const signal = AbortSignal.timeout(60_000);

  test('the one that leads is asked; that none does is told', async () => {
    const path = await znodes.create('/examined', '');
    const masters = [`zk://${zookeeper.address}${path}`];
    await expect(examineMasters({ masters, signal, leaderMs: 500 })).rejects.toMatchObject({
      code: 'DEPENDENCY_FAILURE',
      message: expect.stringContaining(`no master is registered in ${path}`),
    });
    const { port } = master.address() as AddressInfo;
    const info = JSON.stringify({ id: 'm', ip: 0, port: 1, address: { ip: '127.0.0.1', port } });
    await znodes.create(`${path}/json.info_`, info, 'ephemeral-sequential');
    expect(await examineMasters({ masters, signal })).toMatchObject([
      { url: `http://127.0.0.1:${port}`, role: { kind: 'leads' } },
    ]);
    // What is left is the one that writes here.
    for (let open = 0; open !== 1;) open = await zookeeper.connections();
  });
});
