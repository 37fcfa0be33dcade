import { createLogger, createMetrics } from '@juice/observability';
import { connectBroker } from '@juice/messaging';
import { createMesosClient } from '@juice/mesos';
import {
  connectMongo,
  createFrameworkStore,
  createLeaseStore,
  createTaskStore,
  ensureIndexes,
} from '@juice/persistence';
import { connectWithBackoff, createStop, describeConfig, loadConfig, runMain, startHealthServer } from '@juice/runtime';
import { configSchema } from './config.ts';
import { startScheduler } from './service.ts';

await runMain(async () => {
  const config = loadConfig(configSchema, process.env);
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
  const broker = stop.closes(
    await connectWithBackoff({
      dependency: 'rabbitmq',
      target: amqpUrl,
      connect: () => connectBroker(amqpUrl, { log, connectionName: 'juice-scheduler' }),
      log,
      signal: stop.signal,
    }),
  );
  const { mesosPrincipal: principal, mesosSecret: password } = config;
  const mesos = createMesosClient({
    masters: config.mesosMasters,
    log,
    ...(principal !== undefined && password !== undefined && { credentials: { principal, secret: password } }),
  });

  const scheduler = stop.closes(
    startScheduler({
      settings: {
        ...config,
        mesosPrincipal: principal ?? null,
        internalUrl: `http://${config.publicHost}:${server.port}`,
      },
      store: createTaskStore(mongo),
      leases: createLeaseStore(mongo),
      frameworks: createFrameworkStore(mongo),
      broker,
      mesos,
      log,
      metrics,
      onFatal: (error) => stop.fail(error),
    }),
  );
  health = () => ({ ...scheduler.health(), ok: mongo.isUp() && scheduler.health().ok, rabbitmq: broker.isUp() });
  log.info('service.started', { health: server.url });
});
