import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { connectBroker } from '@juice/messaging';
import { createLogger, createMetrics, createTracing } from '@juice/observability';
import { connectMongo, prepareStore } from '@juice/persistence';
import {
  announceProcess,
  connectWithBackoff,
  createStop,
  describeConfig,
  loadConfig,
  runMain,
  warnOfUnknownVariables,
} from '@juice/runtime';
import { createApiStores } from './api-stores.ts';
import { createAskLeader } from './ask-leader.ts';
import { apiConfigSchema } from './config.ts';
import { createSandboxFiles } from './sandbox-files.ts';
import { authOf, describeAllowed, startApi } from './service.ts';
import { startWaitingRoom } from './waiting-room.ts';

/** Stopping closes connections too, after the requests in hand had their grace. */
const closingMs = 5_000;
/** Submissions share one write at a time; the rest is for queries. */
const poolSize = 32;

await runMain(async () => {
  const config = loadConfig(apiConfigSchema, process.env);
  const { host, port, mongoUrl, amqpUrl } = config;
  const log = createLogger({ service: 'api', level: config.logLevel, pretty: process.stdout.isTTY });
  const metrics = createMetrics('api', { processMetrics: true });
  const stop = createStop({ log, graceMs: config.stopGraceMs + closingMs });
  log.info('service.starting', describeConfig(apiConfigSchema, config));
  warnOfUnknownVariables(process.env, log);
  const tracing = stop.closes(await createTracing({ service: 'api', settings: config, log }));

  const waitingRoom = stop.closes(await startWaitingRoom({ host, port, newRequestId: randomUUID }));
  const mongo = stop.closes(
    await stop.needs(
      connectWithBackoff({
        dependency: 'mongodb',
        target: mongoUrl,
        connect: () => connectMongo(mongoUrl, { appName: 'juice-api', poolSize }),
        log,
        signal: stop.signal,
      }),
    ),
  );
  await stop.needs(prepareStore(mongo));
  // Messages only make tasks start sooner: submitting works without the broker.
  const broker = stop.closes(
    await connectBroker(amqpUrl, { log, connectionName: 'juice-api', waitForConnection: false }),
  );
  await waitingRoom.stop();
  const stores = createApiStores(mongo, config);
  stop.closes(announceProcess({ service: 'api', host: hostname(), notes: stores.processes }));
  const api = stop.closes(
    await startApi(config, {
      ...stores,
      leader: createAskLeader({ leases: stores.leases, log }),
      files: createSandboxFiles(config),
      broker,
      log,
      metrics,
      tracing,
    }),
  );
  log.info('service.started', { url: api.url, auth: authOf(config), allow: describeAllowed(config) });
});
