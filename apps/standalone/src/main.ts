import { access, constants, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { authOf, createApiStores, createSandboxFiles, describeAllowed, isLoopback, startApi } from '@juice/api';
import { startCallback } from '@juice/callback';
import { serviceNames } from '@juice/contracts';
import { createLogger, createMetrics, createTracing, joinMetrics } from '@juice/observability';
import {
  createCallbackStores,
  createDeliveryStore,
  createEventLog,
  createFrameworkStore,
  createLeaseStore,
  createProcessStore,
  createQuarantineStore,
  createSwitchStore,
  createTaskStore,
  createTenantStore,
  type LeaseStore,
} from '@juice/persistence';
import {
  announceProcess,
  ConfigProblems,
  createStop,
  runMain,
  variablesOf,
  warnOfUnknownVariables,
} from '@juice/runtime';
import { createTaskSpans, startScheduler } from '@juice/scheduler';
import { writeBanner } from './banner.ts';
import { keepCallbackSecret } from './callback-secret.ts';
import { readConfig, standaloneConfigSchema } from './config.ts';
import { runPartThread } from './part-thread.ts';
import { startParts } from './parts.ts';

await (isMainThread ? runMain(runStandalone) : runPartThread());

async function runStandalone(): Promise<void> {
  const environment = { ...process.env };
  const config = readConfig(environment);
  const dataDir = resolve(config.own.dataDir);
  await assertPortIsFree(config.api.host, config.api.port);
  await makeDataFolder(dataDir);

  const log = (service: string) => createLogger({ service, level: config.api.logLevel, pretty: process.stdout.isTTY });
  const ownLog = log('standalone');
  warnOfUnknownVariables(environment, ownLog, variablesOf(standaloneConfigSchema));
  const stop = createStop({ log: ownLog, graceMs: config.api.stopGraceMs });
  const onFatal = (error: unknown): void => stop.fail(error);
  const metrics = {
    api: createMetrics('api', { processMetrics: true }),
    scheduler: createMetrics('scheduler'),
    callback: createMetrics('callback'),
  };
  const tracing = async (service: 'api' | 'scheduler' | 'callback') =>
    stop.closes(await createTracing({ service, settings: config[service], log: ownLog }));
  const tracings = {
    api: await tracing('api'),
    scheduler: await tracing('scheduler'),
    callback: await tracing('callback'),
  };
  const { mongo, broker, mesos, described } = await startParts({ config, dataDir, environment, stop, log: ownLog });
  const tasks = createTaskStore(mongo, config.scheduler);
  const leases = createLeaseStore(mongo);
  const switches = createSwitchStore(mongo);
  const eventLog = createEventLog(mongo, { retentionMs: config.scheduler.eventRetentionMs });
  if (config.own.mongoUrl === undefined) await freeLeases(leases);

  const notes = createProcessStore(mongo);
  for (const service of serviceNames) {
    const host = service === 'scheduler' ? config.scheduler.publicHost : hostname();
    stop.closes(announceProcess({ service, host, notes }));
  }
  const spans = stop.closes(createTaskSpans({ store: tasks, tracing: tracings.scheduler }));
  const scheduler = stop.closes(
    startScheduler({
      settings: { ...config.scheduler, mesosPrincipal: config.scheduler.mesosPrincipal ?? null, internalUrl: null },
      ...{ store: tasks, eventLog, leases, broker, mesos, onFatal },
      frameworks: createFrameworkStore(mongo),
      quarantine: createQuarantineStore(mongo, config.scheduler),
      tenants: createTenantStore(mongo),
      switches,
      log: log('scheduler'),
      metrics: metrics.scheduler,
      onApplied: spans.note,
    }),
  );
  const callbacks = createCallbackStores(mongo, config.callback);
  const deliveries = createDeliveryStore(mongo, config.callback);
  const secrets = config.own.callbackSecret ?? (await keepCallbackSecret(dataDir));
  stop.closes(
    startCallback(
      { ...config.callback, secrets },
      {
        store: deliveries,
        ...callbacks,
        tenants: createTenantStore(mongo),
        ...{ broker, log: log('callback'), metrics: metrics.callback, tracing: tracings.callback, onFatal },
      },
    ),
  );
  const api = stop.closes(
    await startApi(config.api, {
      ...{ ...createApiStores(mongo, config.api), tasks, eventLog, callbacks, switches, broker },
      files: createSandboxFiles(config.api),
      leader: {
        why: async (taskId) => scheduler.inquiries()?.why(taskId) ?? null,
        survey: async () => scheduler.inquiries()?.survey() ?? null,
      },
      log: log('api'),
      metrics: { ...metrics.api, ...joinMetrics(Object.values(metrics)) },
      tracing: tracings.api,
    }),
  );
  await scheduler.ready;
  if (stop.signal.aborted) return;
  process.stdout.write(
    writeBanner({
      url: api.url,
      parts: described,
      dataDir,
      user: userInfo().username,
      allowed: describeAllowed(config.api),
      callbacksTo: config.callback.allow,
      secretFile: config.own.callbackSecret === undefined ? join(dataDir, 'callback-secret') : null,
      isLoopback: isLoopback(config.api.host),
      auth: authOf(config.api),
    }),
  );
}

async function makeDataFolder(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.W_OK);
  } catch (error: unknown) {
    const problem = `cannot be written to: ${error instanceof Error ? error.message : String(error)}`;
    throw new ConfigProblems([{ variable: 'JUICE_DATA_DIR', given: dataDir, problem }]);
  }
}

/** Told before anything is started: an address in use is the likeliest thing to be wrong. */
async function assertPortIsFree(host: string, port: number): Promise<void> {
  const probe = createServer();
  const refused = await new Promise<string | undefined>((answer) => {
    probe.once('error', (error: NodeJS.ErrnoException) => answer(error.code ?? error.message));
    probe.listen(port, host, () => probe.close(() => answer(undefined)));
  });
  if (refused === undefined) return;
  const taken = `is taken on ${host}: another program listens there; choose another port, or 0 for any free one`;
  const problem = refused === 'EADDRINUSE' ? taken : `cannot be listened on at ${host} (${refused})`;
  throw new ConfigProblems([{ variable: 'JUICE_PORT', given: String(port), problem }]);
}

/** The embedded database is ours alone (its folder is locked): whoever held the lead in it is dead. */
async function freeLeases(leases: LeaseStore): Promise<void> {
  const left = await leases.read('scheduler');
  if (left !== null && left.holder !== null) await leases.release('scheduler', left.holder, left.epoch);
}
