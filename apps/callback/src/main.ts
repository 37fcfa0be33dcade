import { hostname } from 'node:os';
import { connectBroker } from '@juice/messaging';
import { createLogger, createMetrics, createTracing } from '@juice/observability';
import {
  connectMongo,
  createCallbackStores,
  createDeliveryStore,
  createProcessStore,
  createTenantStore,
  prepareStore,
} from '@juice/persistence';
import {
  announceProcess,
  connectWithBackoff,
  createStop,
  describeConfig,
  loadConfig,
  runMain,
  warnOfUnknownVariables,
  startHealthServer,
  type HealthChecks,
} from '@juice/runtime';
import { callbackConfigSchema } from './config.ts';
import { startCallback } from './service.ts';

/** Stopping closes connections too, after the attempts in hand had their grace. */
const closingMs = 5_000;

await runMain(async () => {
  const config = loadConfig(callbackConfigSchema, process.env);
  const { mongoUrl, amqpUrl } = config;
  const log = createLogger({ service: 'callback', level: config.logLevel, pretty: process.stdout.isTTY });
  const metrics = createMetrics('callback', { processMetrics: true });
  const stop = createStop({ log, graceMs: config.stopGraceMs + closingMs });
  log.info('service.starting', describeConfig(callbackConfigSchema, config));
  warnOfUnknownVariables(process.env, log);
  const tracing = stop.closes(await createTracing({ service: 'callback', settings: config, log }));

  let checks: HealthChecks = {
    livez: () => ({ ok: true }),
    readyz: () => ({ ok: false, detail: 'connecting' }),
    metrics,
  };
  const server = stop.closes(
    await startHealthServer({
      host: config.healthHost,
      port: config.healthPort,
      variables: { host: 'JUICE_HEALTH_HOST', port: 'JUICE_HEALTH_PORT' },
      livez: () => checks.livez(),
      readyz: () => checks.readyz(),
      metrics,
    }),
  );
  const { signal } = stop;
  const mongo = stop.closes(
    await stop.needs(
      connectWithBackoff({
        dependency: 'mongodb',
        target: mongoUrl,
        // A connection for each lane worked on would be the most that could ever be used at once.
        connect: () =>
          connectMongo(mongoUrl, { appName: 'juice-callback', poolSize: Math.min(config.concurrency, 64) }),
        log,
        signal,
      }),
    ),
  );
  await stop.needs(prepareStore(mongo));
  // Events only make callbacks sooner: the sweep works without the broker.
  const broker = stop.closes(
    await connectBroker(amqpUrl, { log, connectionName: 'juice-callback', waitForConnection: false }),
  );
  stop.closes(announceProcess({ service: 'callback', host: hostname(), notes: createProcessStore(mongo) }));
  const callback = stop.closes(
    startCallback(config, {
      name: `${hostname()}-${process.pid}`,
      store: createDeliveryStore(mongo, config),
      ...createCallbackStores(mongo, config),
      tenants: createTenantStore(mongo),
      broker,
      log,
      metrics,
      tracing,
      onFatal: (error) => stop.fail(error),
    }),
  );
  checks = callback.health;
  log.info('service.started', { health: server.url, allow: config.allow });
});
