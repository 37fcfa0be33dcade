import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, test } from '@jest/globals';
import { connectZooKeeper, opcode, type ZooKeeperConnection } from '../src/zookeeper/connection.ts';
import { writeJute, type JuteField } from '../src/zookeeper/jute.ts';
import { setTimeoutAlarm } from '../src/post.ts';

/** Where Debian's package `libzookeeper-java` puts it. */
const usualJar = '/usr/share/java/zookeeper.jar';
/** A tick of 100 ms allows sessions from 200 ms to 2 s. */
const tickMs = 100;
const startDeadlineMs = 30_000;

/** A private ZooKeeper server: a process of its own, with its own port and folder. */
export interface ZooKeeperServer {
  readonly host: string;
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** How many are connected. */
  connections(): Promise<number>;
  /** Stops answering, connections stay open. */
  freeze(): void;
  thaw(): void;
  /** Ends the process; its data stay. */
  halt(): Promise<void>;
  /** Starts it again, on the same port and data. */
  resume(): Promise<void>;
  /** For good. */
  stop(): Promise<void>;
}

/**
 * Runs a suite that needs ZooKeeper: the jar that `JUICE_TEST_ZOOKEEPER` names (`npm test` installs it), or the
 * one of Debian's package. Without it the suite is reported as skipped, with the reason; in CI that is a failure.
 */
export function describeWithZooKeeper(name: string, suite: (start: () => Promise<ZooKeeperServer>) => void): void {
  const given = process.env['JUICE_TEST_ZOOKEEPER'];
  const jar = given === undefined || given === '' ? usualJar : given;
  if (existsSync(jar)) return describe(name, () => suite(() => startZooKeeper(jar)));
  const reason = `${name}: ${jar} is missing (npm test installs it)`;
  if (process.env['CI'] === 'true') {
    test(`${reason}, which CI requires`, () => {
      throw new Error(reason);
    });
    return;
  }
  process.stderr.write(`SKIPPED ${reason}\n`);
  describe.skip(`SKIPPED ${reason}`, () => {
    test('everything', () => undefined);
  });
}

async function startZooKeeper(jar: string): Promise<ZooKeeperServer> {
  const folder = await mkdtemp(join(tmpdir(), 'juice-zookeeper-'));
  const port = await freePort();
  const config = join(folder, 'zoo.cfg');
  const settings = [
    `tickTime=${tickMs}`,
    `dataDir=${join(folder, 'data')}`,
    `clientPort=${port}`,
    'clientPortAddress=127.0.0.1',
    'admin.enableServer=false',
    '4lw.commands.whitelist=cons',
  ];
  await writeFile(config, settings.join('\n'));
  const java = ['-Xmx64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', jar];
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
  let running: ChildProcess | null = null;
  // Whatever ends this process, the server does not outlive it.
  const kill = (): void => void running?.kill('SIGKILL');
  process.once('exit', kill);

  async function resume(): Promise<void> {
    const child = spawn('java', [...java, main, config], { stdio: 'ignore' });
    running = child;
    const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`ZooKeeper exited with ${code}`)));
    failed.catch(() => undefined);
    await Promise.race([untilItAnswers(port), failed]);
  }

  async function halt(): Promise<void> {
    const child = running;
    running = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  await resume();
  return {
    host: '127.0.0.1',
    port,
    address: `127.0.0.1:${port}`,
    connections: () => countConnections(port),
    freeze: () => void running?.kill('SIGSTOP'),
    thaw: () => void running?.kill('SIGCONT'),
    halt,
    resume,
    async stop() {
      await halt();
      process.off('exit', kill);
      await rm(folder, { recursive: true });
    },
  };
}

async function untilItAnswers(port: number): Promise<void> {
  for (const deadline = Date.now() + startDeadlineMs; ;) {
    try {
      (await connectForTest({ port })).close();
      return;
    } catch (error: unknown) {
      if (Date.now() > deadline) throw error;
      await wait(20);
    }
  }
}

/** `cons` answers with a line per connection, the one that asks among them. */
async function countConnections(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.end('cons');
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer.split('\n').filter((line) => line.trim() !== '').length - 1;
}

export function connectForTest(options: {
  port: number;
  auth?: string;
  sessionTimeoutMs?: number;
  isSilent?: boolean;
}): Promise<ZooKeeperConnection> {
  return connectZooKeeper({
    host: '127.0.0.1',
    port: options.port,
    auth: options.auth ?? null,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 2000,
    setAlarm: options.isSilent === true ? () => () => undefined : setTimeoutAlarm,
    signal: new AbortController().signal,
    onWatch: () => undefined,
  });
}

/** Writes znodes, as masters do and as they do not. */
export interface ZnodeWriter {
  /** Resolves with the path as it came to be: with a sequence number at its end if that was asked for. */
  create(path: string, data: string, kind?: 'ephemeral-sequential' | 'private'): Promise<string>;
  replace(path: string, data: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Ends the session, and with it what is ephemeral. */
  close(): void;
}

/** With `isSilent` it never pings: its session expires after the timeout. */
export async function openZnodes(options: Parameters<typeof connectForTest>[0]): Promise<ZnodeWriter> {
  const connection = await connectForTest(options);
  async function request(type: number, ...fields: readonly JuteField[]) {
    const { error, body } = await connection.request(type, writeJute(...fields));
    if (error !== 0) throw new Error(`ZooKeeper answered ${error}`);
    return body;
  }
  return {
    async create(path, data, kind) {
      const owner = kind === 'private' ? ['auth', ''] : ['world', 'anyone'];
      const acl = [{ int: 1 }, { int: 31 }, ...owner.map((buffer) => ({ buffer }))];
      const flags = { int: kind === 'ephemeral-sequential' ? 3 : 0 };
      return (await request(opcode.create, { buffer: path }, { buffer: data }, ...acl, flags)).text();
    },
    async replace(path, data) {
      await request(5, { buffer: path }, { buffer: data }, { int: -1 });
    },
    async remove(path) {
      await request(opcode.delete, { buffer: path }, { int: -1 });
    },
    close: () => connection.close(),
  };
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
