import { hostInUrl } from '@juice/contracts';
import { randomBytes } from 'node:crypto';
import { createLogger, createMetrics, createTracing } from '@juice/observability';
import { connectBroker } from '@juice/messaging';
import { createMesosClient } from '@juice/mesos';
import {
  connectMongo,
  createEventLog,
  createFrameworkStore,
  createLeaseStore,
  createProcessStore,
  createQuarantineStore,
  createSwitchStore,
  createTenantStore,
  createTaskStore,
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
} from '@juice/runtime';
import { createAnswerInquiry } from './answer-inquiry.ts';
import { configSchema } from './config.ts';
import { readMesosAccess } from './mesos-access.ts';
import { readiness } from './readiness.ts';
import type { Inquiries } from './runner.ts';
import { startScheduler } from './service.ts';
import { createTaskSpans } from './task-spans.ts';

await runMain(async () => {
  const config = loadConfig(configSchema, process.env);
  const access = await readMesosAccess(config);
  const log = createLogger({ service: 'scheduler', level: config.logLevel, pretty: process.stdout.isTTY });
  const metrics = createMetrics('scheduler', { processMetrics: true });
  const stop = createStop({ log, graceMs: config.stopGraceMs });
  log.info('service.starting', describeConfig(configSchema, config));
  warnOfUnknownVariables(process.env, log);
  const tracing = stop.closes(await createTracing({ service: 'scheduler', settings: config, log }));

  let health: () => { ok: boolean; [detail: string]: unknown } = () => ({ ok: false, detail: 'connecting' });
  let inquiries: () => Inquiries | null = () => null;
  const secret = randomBytes(24).toString('base64url');
  const server = await startHealthServer({
    host: config.healthHost,
    port: config.healthPort,
    variables: { host: 'JUICE_HEALTH_HOST', port: 'JUICE_HEALTH_PORT' },
    livez: () => ({ ok: true }),
    readyz: () => health(),
    metrics,
    answerOther: createAnswerInquiry({ secret, inquiries: () => inquiries() }),
  });
  stop.closes(server);

  const { mongoUrl, amqpUrl } = config;
  const mongo = stop.closes(
    await stop.needs(
      connectWithBackoff({
        dependency: 'mongodb',
        target: mongoUrl,
        connect: () => connectMongo(mongoUrl, { appName: 'juice-scheduler', poolSize: config.mongoPoolSize }),
        log,
        signal: stop.signal,
      }),
    ),
  );
  await stop.needs(prepareStore(mongo));
  // Messages only make tasks start sooner: leading works without the broker, by the sweeps.
  const broker = stop.closes(
    await connectBroker(amqpUrl, { log, connectionName: 'juice-scheduler', waitForConnection: false }),
  );
  const mesos = createMesosClient({
    masters: config.mesosMasters,
    log,
    ...access,
  });

  const store = createTaskStore(mongo, config);
  const spans = stop.closes(createTaskSpans({ store, tracing }));
  const notes = createProcessStore(mongo);
  stop.closes(announceProcess({ service: 'scheduler', host: config.publicHost, notes }));
  const scheduler = stop.closes(
    startScheduler({
      settings: {
        ...config,
        mesosPrincipal: config.mesosPrincipal ?? null,
        internalUrl: `http://api:${secret}@${hostInUrl(config.publicHost)}:${server.port}`,
      },
      store,
      onApplied: spans.note,
      eventLog: createEventLog(mongo, { retentionMs: config.eventRetentionMs }),
      leases: createLeaseStore(mongo),
      frameworks: createFrameworkStore(mongo),
      quarantine: createQuarantineStore(mongo, config),
      tenants: createTenantStore(mongo),
      switches: createSwitchStore(mongo),
      broker,
      mesos,
      log,
      metrics,
      onFatal: (error) => stop.fail(error),
    }),
  );
  ({ inquiries } = scheduler);
  health = () => readiness(scheduler.health(), { mongodb: mongo.isUp(), rabbitmq: broker.isUp() });
  log.info('service.started', { health: server.url });
});
