import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithRabbit } from '@juice/messaging/testing';
import { createTenant, startReceiver, until, type Receiver } from '@juice/trial';
import { deadline, resources, startServiceWorld, type ServiceWorld } from './service-world.ts';
import { certificatePath, startTlsFront, type TlsFront } from './tls-front.ts';

const secret = `whsec_${Buffer.from('a secret for these tests').toString('base64')}`;

/** The database, the broker and the master, each reached over TLS alone. */
describeWithRabbit('services over TLS', (amqpUrl) => {
  let services: ServiceWorld;
  let receiver: Receiver;
  let fronts: { readonly mongo: TlsFront; readonly amqp: TlsFront; readonly mesos: TlsFront };
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    const callbacks = { JUICE_CALLBACK_SECRET: secret, JUICE_CALLBACK_ALLOW: '127.0.0.0/8' };
    services = await startServiceWorld({ amqpUrl, agents: [10], env: callbacks });
    receiver = await startReceiver({ secret });
    const { mongo, amqp, mesos } = {
      mongo: await startTlsFront(services.urls.mongo),
      amqp: await startTlsFront(amqpUrl),
      mesos: await startTlsFront(services.urls.mesos),
    };
    fronts = { mongo, amqp, mesos };
    const { username, password } = new URL(amqpUrl);
    const credentials = username === '' ? '' : `${username}:${password}@`;
    env = {
      JUICE_MONGO_URL: `mongodb://${mongo.place}/juice?tls=true`,
      JUICE_AMQP_URL: `amqps://${credentials}${amqp.place}${new URL(amqpUrl).pathname}`,
      JUICE_MESOS_MASTERS: `https://${mesos.place}`,
    };
  }, 60_000);
  afterAll(async () => {
    await services.close();
    await receiver.close();
    for (const front of Object.values(fronts)) front.close();
  }, 60_000);

  test('a task is taken, run and called back', async () => {
    const trusting = { ...env, NODE_EXTRA_CA_CERTS: certificatePath };
    await services.start('scheduler', 'scheduler', trusting);
    await services.start('callback', 'callback', trusting);
    const api = await services.start('api', 'api', trusting);
    const commands = `echo 0 >> ${join(services.folder, 'ran')}`;
    const tenant = createTenant(api.url, 'e2e');
    const taskId = await tenant.submit({ taskName: 'over-tls', commands, callbackUrl: receiver.url, resources });
    await services.allFinish(api, 'ran', [taskId]);
    const last = (): string | undefined => receiver.received.at(-1)?.result;
    await until('its callback', () => last() === 'FINISHED', deadline);
    // Each of the three to the database, the scheduler to the master too; hints and events over the broker.
    expect(fronts.mongo.connections()).toBeGreaterThanOrEqual(3);
    expect(fronts.amqp.connections()).toBeGreaterThanOrEqual(3);
    expect(fronts.mesos.connections()).toBeGreaterThanOrEqual(1);
  }, 120_000);

  test('a certificate that nobody vouches for is refused, and said so', async () => {
    // It would wait for as long as it takes: a certificate can be mended.
    const hasSaidWhy = new AbortController();
    const starting = services.start('api', 'distrusting', env, hasSaidWhy.signal);
    const refused = expect(starting).rejects.toThrow('is not ready');
    const log = async (): Promise<string> => (await services.lines('distrusting.log')).join('\n');
    await until('it to say why', async () => /self[- ]signed certificate/.test(await log()), deadline).finally(() =>
      hasSaidWhy.abort(),
    );
    await refused;
  }, 120_000);
});
