import { createLogger, createMetrics } from '@juice/observability';
import { connectBroker } from '@juice/messaging';
import { createMesosClient } from '@juice/mesos';
import {
  connectMongo,
  createFrameworkStore,
  createLeaseStore,
  createQuarantineStore,
  createTenantStore,
  createTaskStore,
  ensureIndexes,
} from '@juice/persistence';
import { connectWithBackoff, createStop, describeConfig, loadConfig, runMain, startHealthServer } from '@juice/runtime';
import { configSchema } from './config.ts';
import { readMesosAccess } from './mesos-access.ts';
import { startScheduler } from './service.ts';

await runMain(async () => {
  const config = loadConfig(configSchema, process.env);
  const access = await readMesosAccess(config);
  const log = createLogger({ service: 'scheduler', level: config.logLevel, pretty: process.stdout.isTTY });
  const metrics = createMetrics('scheduler', { processMetrics: true });
  const stop = createStop({ log, graceMs: config.stopGraceMs });
  log.info('service.starting', describeConfig(configSchema, config));

  let health: () => { ok: boolean; [detail: string]: unknown } = () => ({ ok: false, detail: 'connecting' });
  const server = await startHealthServer({
    host: config.healthHost,
    port: config.healthPort,
    livez: () => ({ ok: true }),
    readyz: () => health(),
    metrics,
  });
  stop.closes(server);

  const { mongoUrl, amqpUrl } = config;
  const mongo = stop.closes(
    await connectWithBackoff({
      dependency: 'mongodb',
      target: mongoUrl,
      connect: () => connectMongo(mongoUrl, { appName: 'juice-scheduler', poolSize: config.mongoPoolSize }),
      log,
      signal: stop.signal,
    }),
  );
  await ensureIndexes(mongo);
  // Messages only make tasks start sooner: leading works without the broker, by the sweeps.
  const broker = stop.closes(
    await connectBroker(amqpUrl, { log, connectionName: 'juice-scheduler', waitForConnection: false }),
  );
  const mesos = createMesosClient({
    masters: config.mesosMasters,
    log,
    ...access,
  });

  const scheduler = stop.closes(
    startScheduler({
      settings: {
        ...config,
        mesosPrincipal: config.mesosPrincipal ?? null,
        internalUrl: `http://${config.publicHost}:${server.port}`,
      },
      store: createTaskStore(mongo),
      leases: createLeaseStore(mongo),
      frameworks: createFrameworkStore(mongo),
      quarantine: createQuarantineStore(mongo),
      tenants: createTenantStore(mongo),
      broker,
      mesos,
      log,
      metrics,
      onFatal: (error) => stop.fail(error),
    }),
  );
  health = () => {
    const checks = { mongodb: mongo.isUp(), rabbitmq: broker.isUp() };
    const facts = scheduler.health();
    return { ...facts, ok: facts.ok && checks.mongodb && checks.rabbitmq, checks };
  };
  log.info('service.started', { health: server.url });
});
