import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { createAgentListener } from './http/agent-http.ts';
import { agentAttributes, agentResources, type AgentSpec } from './agent-spec.ts';
import { createCluster, type Cluster } from './cluster/cluster.ts';
import type { Fault } from './cluster/faults.ts';
import type { ClusterSettings, Effect, SendEffect } from './cluster/cluster-state.ts';
import { lockFolder } from './data-lock.ts';
import { createDriver, type Driver, type Executor } from './driver.ts';
import { createEventStreams } from './http/event-streams.ts';
import { createFollowerListener, createMasterListener, type Credentials } from './http/master-http.ts';
import { endLeftovers } from './tasks/process-identity.ts';
import { removeOldSandboxes } from './tasks/sandbox.ts';
import { createSimulatedExecutor } from './tasks/simulated-executor.ts';
import { createStateFile } from './state-file.ts';
import { removeContainers } from './tasks/task-container.ts';
import { inheritedVariables } from './tasks/task-environment.ts';
import { createTaskExecutor } from './tasks/task-executor.ts';

export interface LocalMesosOptions {
  /**
   * Where master and agents listen; 127.0.0.1 by default. An agent named by a loopback address listens there instead, where
   * the machine has it, so that its name leads to its files. Anyone who can reach it can run programs here.
   */
  readonly host?: string;
  /** The master's port; 0 (the default) takes any. Agents always take any. */
  readonly port?: number;
  readonly dataDir: string;
  readonly agents: readonly AgentSpec[];
  /** `process` (the default): tasks are processes of this machine. `simulated`: tasks only take time. */
  readonly executor?: 'process' | 'simulated';
  /** How long a simulated task takes that does not say. 100 ms by default. */
  readonly simulatedTaskMs?: number;
  /** The environment of this process; of it tasks see PATH, HOME and the like, nothing else. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly credentials?: Credentials;
  /** So many masters more that do not lead: they answer 307 with the leader's address. */
  readonly followers?: number;
  readonly heartbeatMs?: number;
  /** Further departures from a real cluster's times, for tests. */
  readonly settings?: Partial<ClusterSettings>;
  /** Sandboxes untouched for so long are removed at the start; a week by default, as Mesos does. */
  readonly keepSandboxesMs?: number;
  /** Told what was cleaned up at the start. */
  readonly log?: { info(event: 'service.starting', fields: Readonly<Record<string, unknown>>): unknown };
}

/** A running stand-in cluster. The faults take effect at once. */
export interface LocalMesos {
  /** The master's base URL. */
  readonly url: string;
  readonly agentUrls: readonly string[];
  /** Of masters that do not lead. */
  readonly followerUrls: readonly string[];
  readonly agentIds: readonly string[];
  /** Breaks every event stream, or one framework's. */
  dropStream(frameworkId?: string): void;
  /** The agent stops hearing and being heard; the master notices after `noticeAfterMs` (default: at once). */
  loseAgent(index: number, noticeAfterMs?: number): void;
  returnAgent(index: number): void;
  /** For good: it is a new agent after the next start. */
  markAgentGone(index: number): void;
  unregisterAgent(index: number): void;
  drainAgent(index: number): void;
  reactivateAgent(index: number): void;
  /** The agent's maintenance is planned, or planned anew: from an instant on, for so long (left out: nobody knows). */
  startMaintenance(index: number, window: { startMs: number; durationMs?: number }): void;
  /** It is called off, or over. */
  endMaintenance(index: number): void;
  /** Another master takes over: it answers 503 for `recoverMs`, and agents find it after `agentsBackMs`. */
  restartMaster(times?: { recoverMs?: number; agentsBackMs?: number }): void;
  /** From now on updates come twice, or late. */
  distortUpdates(how: { duplicate?: boolean; delayMs?: number }): void;
  /** The next update of a task, or of any, is one that no client can read, as often as it is sent. */
  garbleUpdate(taskId?: string): void;
  /** Ends all tasks and closes all connections. */
  stop(): Promise<void>;
}

const weekMs = 7 * 24 * 3_600_000;

/**
 * Starts a stand-in for a Mesos cluster: a master and agents on ports of their own, in this process. Ids of agents and of
 * frameworks that are gone live on in `dataDir`; tasks do not: what a former run left is killed first, and the master
 * answers GONE for it. Throws if a port is taken or the folder cannot be used, as when another cluster uses it.
 */
export async function startLocalMesos(options: LocalMesosOptions): Promise<LocalMesos> {
  const lock = lockFolder(options.dataDir);
  try {
    const mesos = await startLocked(options);
    return { ...mesos, stop: () => mesos.stop().finally(() => lock.release()) };
  } catch (error: unknown) {
    lock.release();
    throw error;
  }
}

async function startLocked(options: LocalMesosOptions): Promise<LocalMesos> {
  const { host = '127.0.0.1', port = 0, dataDir, agents, followers = 0 } = options;
  const folders = agents.map((_spec, index) => join(dataDir, `agent-${index}`));
  const stateFile = createStateFile(dataDir);
  const saved = stateFile.read() ?? { agentIds: [], completed: [] };
  await cleanUp(folders, options);
  const servers = await listenAll(host, [
    { host, port },
    ...agents.map(({ hostname = '' }) => ({ host: /^127(\.\d{1,3}){3}$/.test(hostname) ? hostname : host, port: 0 })),
    ...Array.from({ length: followers }, () => ({ host, port: 0 })),
  ]);
  const places = servers.map(placeOf);
  const [{ port: masterPort } = { port: 0 }] = places;
  const cluster = createFrom(options, { host, masterPort, places: places.slice(1), ...saved });
  stateFile.write(cluster.snapshot());
  const streams = createEventStreams();
  // The executor reports to the driver, which is made with it; no task is launched before both are there.
  const late: { driver: Driver | null } = { driver: null };
  const executor = createExecutor(options, folders, (containerId, report) =>
    late.driver?.feed((nowMs) => cluster.report(containerId, report, nowMs)),
  );
  const stream = {
    send: (effect: SendEffect) => streams.send(effect),
    end: ({ streamId, abrupt }: Effect & { kind: 'end' }) => streams.end(streamId, abrupt),
  };
  const save = (): void => stateFile.write(cluster.snapshot());
  const driver = createDriver(cluster, { now: Date.now, executor, stream, save });
  late.driver = driver;
  const { credentials = null } = options;
  const master = { cluster, driver, streams, newUuid: randomUUID, credentials, address: `${host}:${masterPort}` };
  const listeners = [
    createMasterListener(master),
    ...folders.map(createAgentListener),
    ...Array.from({ length: followers }, () => createFollowerListener(master.address)),
  ];
  listeners.forEach((listener, index) => servers[index]?.on('request', listener));
  const urls = places.map((place) => `http://${place.host}:${place.port}`);
  return {
    ...faultsOf(cluster, driver),
    url: urls[0] ?? '',
    agentUrls: urls.slice(1, agents.length + 1),
    followerUrls: urls.slice(agents.length + 1),
    agentIds: cluster.state.agents.map((agent) => agent.id),
    async stop() {
      driver.stop();
      streams.endAll();
      await executor.close();
      await Promise.all(servers.map(close));
    },
  };
}

async function cleanUp(folders: readonly string[], options: LocalMesosOptions): Promise<void> {
  const { keepSandboxesMs = weekMs, environment = {}, log } = options;
  const left = folders.map((folder) => endLeftovers(join(folder, 'processes')));
  await removeContainers(
    left.flatMap(({ containers }) => containers),
    inheritedVariables(environment),
  );
  for (const folder of folders) removeOldSandboxes(folder, Date.now() - keepSandboxesMs);
  const killed = left.reduce((sum, each) => sum + each.killed, 0);
  if (killed > 0) log?.info('service.starting', { leftoverProcessesKilled: killed });
}

interface Found {
  readonly host: string;
  readonly masterPort: number;
  /** Of the agents. */
  readonly places: readonly Place[];
  readonly agentIds: readonly (string | null)[];
  readonly completed: readonly string[];
}

function createFrom(options: LocalMesosOptions, { host, masterPort, places, agentIds, completed }: Found): Cluster {
  const masterId = randomUUID();
  const { heartbeatMs, settings = {} } = options;
  return createCluster({
    masterId,
    agents: options.agents.map((spec, index) => ({
      id: agentIds[index] ?? `${masterId}-S${index}`,
      hostname: spec.hostname ?? host,
      ip: places[index]?.host ?? host,
      port: places[index]?.port ?? 0,
      resources: agentResources(spec),
      attributes: agentAttributes(spec),
    })),
    completed,
    newUuid: randomUUID,
    nowMs: Date.now(),
    settings: { ...settings, ...(heartbeatMs === undefined ? {} : { heartbeatMs }), host, port: masterPort },
  });
}

type Report = Parameters<typeof createTaskExecutor>[0]['report'];

function createExecutor(options: LocalMesosOptions, agentFolders: readonly string[], report: Report): Executor {
  if (options.executor === 'simulated')
    return createSimulatedExecutor({ taskMs: options.simulatedTaskMs ?? 100, report });
  return createTaskExecutor({ agentFolders, variables: inheritedVariables(options.environment ?? {}), report });
}

function faultsOf(cluster: Cluster, driver: Driver): Omit<LocalMesos, 'url' | `${string}Urls` | 'agentIds' | 'stop'> {
  const suffer = (fault: Fault): void => driver.feed((nowMs) => cluster.fault(fault, nowMs));
  return {
    dropStream: (frameworkId) => suffer({ kind: 'stream.dropped', frameworkId: frameworkId ?? null }),
    loseAgent: (index, noticeAfterMs = 0) => suffer({ kind: 'agent.lost', index, noticeAfterMs }),
    returnAgent: (index) => suffer({ kind: 'agent.returned', index }),
    markAgentGone: (index) => suffer({ kind: 'agent.gone', index }),
    unregisterAgent: (index) => suffer({ kind: 'agent.unregistered', index }),
    drainAgent: (index) => suffer({ kind: 'agent.drained', index }),
    reactivateAgent: (index) => suffer({ kind: 'agent.reactivated', index }),
    startMaintenance: (index, { startMs, durationMs = null }) =>
      suffer({ kind: 'agent.maintenance', index, startMs, durationMs }),
    endMaintenance: (index) => suffer({ kind: 'agent.maintenance.ended', index }),
    restartMaster: ({ recoverMs = 100, agentsBackMs = 1_000 } = {}) =>
      suffer({ kind: 'master.restarted', masterId: randomUUID(), recoverMs, agentsBackMs }),
    distortUpdates: ({ duplicate = false, delayMs = 0 }) => suffer({ kind: 'updates.distorted', duplicate, delayMs }),
    garbleUpdate: (taskId) => suffer({ kind: 'update.garbled', taskId: taskId ?? null }),
  };
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Opens servers one by one; when one cannot listen, those already open are closed again. */
async function listenAll(host: string, places: readonly Place[]): Promise<Server[]> {
  const servers: Server[] = [];
  try {
    for (const place of places) {
      // Not every system has all of 127.0.0.0/8 as Linux does.
      const listening = listen(place.host, place.port).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRNOTAVAIL' || place.host === host) throw error;
        return listen(host, place.port);
      });
      servers.push(await listening);
    }
  } catch (error: unknown) {
    await Promise.all(servers.map(close));
    throw error;
  }
  return servers;
}

function listen(host: string, port: number, listener?: RequestListener): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ keepAliveTimeout: 60_000 }, listener);
    server.once('error', reject);
    server.listen({ host, port }, () => resolve(server));
  });
}

function placeOf(server: Server): Place {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('a server that does not listen');
  return { host: address.address, port: address.port };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
