// Starts a private RabbitMQ node for the tests, from Debian's package or, where that cannot be had, as a container: its own ports,
// its own folder, its own epmd; nothing of a broker that may run on this machine is touched. Ended by pid.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalled } from './debian-package.mjs';
import { ensureImage, spawnContainer } from './rabbitmq-container.mjs';

// The wrapper in /usr/sbin changes to the user `rabbitmq`, who cannot write in our folder.
const server = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const startDeadlineMs = 120_000;
const stopDeadlineMs = 15_000;

/**
 * Resolves to the running node, or to the reason why there is none: neither package nor container can be had.
 * Throws when one of them is there and the node does not start: that is a fault, not a circumstance.
 *
 * `kept`: a folder that is not removed when the node stops, and its port. Started with the same again, it is the same node.
 */
export async function startRabbitNode(kept = null) {
  const noPackage = ensureInstalled([server], 'rabbitmq-server');
  const noContainer = noPackage === null ? null : ensureImage();
  if (noContainer !== null) return { skipped: `${noPackage}; ${noContainer}` };
  const folder = kept?.folder ?? mkdtempSync(join(tmpdir(), 'juice-rabbitmq-'));
  const port = kept?.port ?? (await preferredPort());
  const launched = noPackage === null ? await spawnPackage(folder, port) : spawnContainer(filesOf(folder, port));
  const { node, killNow } = launched;
  let output = '';
  for (const stream of [node.stdout, node.stderr]) stream.on('data', (chunk) => (output += chunk));
  // Whatever ends this process, the node does not outlive it.
  const killAll = () => {
    if (node.exitCode === null && node.signalCode === null) killNow();
    launched.epmd?.kill('SIGKILL');
    if (kept === null) rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', killAll);

  await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`RabbitMQ did not start: ${why}\n${output}`));
    const timer = setTimeout(() => fail(`not ready after ${startDeadlineMs} ms`), startDeadlineMs);
    node.once('error', (error) => fail(error.message));
    node.once('exit', (code) => fail(`exit code ${code}`));
    launched.epmd?.once('error', (error) => fail(`epmd: ${error.message}`));
    node.stdout.on('data', () => {
      if (!/completed with \d+ plugins|Server startup complete/.test(output)) return;
      clearTimeout(timer);
      resolve();
    });
  });

  /** Resolves when the node is gone, and what was started with it. */
  async function end(how) {
    const gone = once(node, 'exit');
    const timer = how();
    await gone;
    clearTimeout(timer);
    process.off('exit', killAll);
    killAll();
  }

  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    version: /RabbitMQ (\d+\.\d+\.\d+)/.exec(output)?.[1] ?? 'of unknown version',
    stop: () =>
      end(() => {
        node.kill('SIGTERM');
        return setTimeout(killNow, stopDeadlineMs);
      }),
    /** kill -9. */
    kill: () => end(killNow),
  };
}

/** The node of Debian's package, and the epmd that it needs. */
async function spawnPackage(folder, port) {
  const [distPort, epmdPort] = await Promise.all([freePort(), freePort()]);
  const files = writeFiles(folder);
  const env = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `juice-test-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONFIG_FILE: files.config,
    RABBITMQ_ENABLED_PLUGINS_FILE: files.plugins,
    // Debian's defaults for the system's broker stay out of this one.
    RABBITMQ_CONF_ENV_FILE: files.empty,
    // The machine is shared with the tests: idle schedulers sleep instead of spinning.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +sbwtdcpu none +sbwtdio none',
  };
  // Started here rather than by Erlang, which would leave it running for good.
  const epmd = spawn('epmd', ['-port', String(epmdPort), '-address', '127.0.0.1'], { env, stdio: 'ignore' });
  const node = spawn(server, [], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  return { node, epmd, killNow: () => killGroup(node.pid, 'SIGKILL') };
}

/** What a container is given: folders must be there, or the engine makes them as root. */
function filesOf(folder, port) {
  const data = join(folder, 'data');
  const config = join(folder, 'rabbitmq.conf');
  mkdirSync(data, { recursive: true });
  writeFileSync(config, smallDisk);
  return { port, data, config };
}

// A nearly full disk must not block publishers here: what the tests store is small.
const smallDisk = 'disk_free_limit.absolute = 1MB\n';

function writeFiles(folder) {
  const files = {
    config: join(folder, 'rabbitmq.conf'),
    plugins: join(folder, 'enabled_plugins'),
    empty: join(folder, 'rabbitmq-env.conf'),
  };
  writeFileSync(files.config, `${smallDisk}log.console = false\n`);
  writeFileSync(files.plugins, '[].\n');
  writeFileSync(files.empty, '');
  return files;
}

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Gone already: that is what was wanted.
    if (error.code !== 'ESRCH') throw error;
  }
}

/**
 * The node's URL is part of what nx caches test results by, so the port is the same every time for the same folder
 * (below the range that systems take ephemeral ports from), unless somebody else has it.
 */
async function preferredPort() {
  const hash = createHash('sha256')
    .update(import.meta.dirname)
    .digest()
    .readUInt32BE(0);
  return (await freePort(20_000 + (hash % 10_000))) ?? freePort();
}

/** A port that is free now (any, or this one); null when this one is taken. */
export function freePort(port = 0) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(null));
    probe.listen(port, '127.0.0.1', () => {
      const { port: found } = probe.address();
      probe.close(() => resolve(found));
    });
  });
}
