import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CommandInfo, ContainerInfo, Draft, Resource, TaskInfo } from '@juice/mesos';
import { callFromJson } from '@juice/mesos/testing';
import type { ExecutorReport } from '../cluster/cluster-state.ts';
import type { Executor } from '../driver.ts';
import { inheritedVariables } from './task-environment.ts';
import { createTaskExecutor } from './task-executor.ts';

let folder: string;
let executor: Executor;
const reports: ExecutorReport[] = [];
let waiting: (() => void)[] = [];

function start(environment: NodeJS.Dict<string>): void {
  executor = createTaskExecutor({
    agentFolders: [folder],
    variables: inheritedVariables(environment),
    report(_containerId, report) {
      reports.push(report);
      for (const wake of waiting.splice(0)) wake();
    },
  });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-mesos-'));
  reports.length = 0;
  waiting = [];
  start({ PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C', MONGO_URL: 'mongodb://secret' });
});

afterEach(async () => {
  await executor.close();
  rmSync(folder, { recursive: true });
});

async function nextReport(wanted: (report: ExecutorReport) => boolean): Promise<ExecutorReport> {
  for (;;) {
    const found = reports.find(wanted);
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
}

const running = (): Promise<ExecutorReport> => nextReport(({ kind }) => kind === 'running');
const ended = (): Promise<ExecutorReport> => nextReport(({ kind }) => kind !== 'running');

interface Wanted {
  readonly command: Draft<CommandInfo>;
  readonly container?: Draft<ContainerInfo>;
  readonly resources?: readonly Draft<Resource>[];
  readonly limits?: Record<string, { value: number }>;
}

function launch({ command, container, resources = [], limits }: Wanted): void {
  const json = {
    name: 't',
    task_id: { value: 't' },
    agent_id: { value: 'A' },
    resources,
    command,
    ...(container === undefined ? {} : { container }),
    ...(limits === undefined ? {} : { limits }),
  };
  const accept = { offer_ids: [], operations: [{ type: 'LAUNCH', launch: { task_infos: [json] } }] };
  const task = callFromJson({ type: 'ACCEPT', accept }).accept?.operations[0]?.launch?.task_infos[0] as TaskInfo;
  executor.launch({ kind: 'launch', containerId: 'C', agentIndex: 0, frameworkId: 'F', task });
}

function sandboxFile(name: string): string {
  return join(folder, 'frameworks/F/executors/t/runs/latest', name);
}

const output = (name = 'stdout'): string => readFileSync(sandboxFile(name), 'utf8');

describe('processes', () => {
  test.each([
    ['exit 0', 0],
    ['exit 3', 3],
    ['/no/such/program', 127],
    ['kill -SEGV $$', 'SIGSEGV'],
  ])('sh -c %j ends with %j', async (value, exit) => {
    launch({ command: { value } });
    expect(await ended()).toEqual({ kind: 'exited', what: 'Command', exit });
    expect(reports.map(({ kind }) => kind)).toEqual(['running', 'exited']);
  });

  test('arguments are passed as they are, the first being the name', async () => {
    launch({ command: { shell: false, value: '/bin/sh', arguments: ['me', '-c', 'echo "$0" "$1"', 'a b', '*'] } });
    await ended();
    expect(output()).toBe('a b *\n');
  });

  test('a program that is not there ends like a real executor that could not run it', async () => {
    launch({ command: { shell: false, value: 'no-such-program-anywhere' } });
    expect(await ended()).toEqual({ kind: 'exited', what: 'Command', exit: 1 });
    expect(output('stderr')).toContain('Failed to execute command');
  });

  test('a task sees its own variables and what it is told of itself, and no secret of the process that runs it', async () => {
    const variables = [
      { name: 'GREETING', value: 'hi' },
      {
        name: 'TOKEN',
        type: 'SECRET',
        secret: { type: 'VALUE', value: { data: Buffer.from('s3').toString('base64') } },
      },
    ] as const;
    launch({ command: { value: 'env; pwd', environment: { variables } } });
    await ended();
    const lines = output().split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'GREETING=hi',
        'TOKEN=s3',
        'LANG=C',
        'MESOS_TASK_ID=t',
        'MESOS_FRAMEWORK_ID=F',
        'MESOS_AGENT_ID=A',
      ]),
    );
    const sandbox = lines.at(-2);
    expect(lines).toContain(`MESOS_SANDBOX=${sandbox}`);
    expect(output()).not.toContain('secret');
  });

  test('a secret by reference fails: there is nothing to look it up in', async () => {
    const variables = [
      { name: 'TOKEN', type: 'SECRET', secret: { type: 'REFERENCE', reference: { name: 'x' } } },
    ] as const;
    launch({ command: { value: 'true', environment: { variables } } });
    expect(await ended()).toMatchObject({ kind: 'failed', reason: 'REASON_CONTAINER_LAUNCH_FAILED' });
  });

  test('a stop reaches the whole group; a task that tidies up may end in its own way', async () => {
    const value = 'trap "echo got term; exit 0" TERM; echo ready; while true; do sleep 0.05; done';
    launch({ command: { value } });
    await running();
    await fileHolds('stdout', 'ready');
    executor.stop('C', 5000);
    expect(await ended()).toEqual({ kind: 'exited', what: 'Command', exit: 0 });
    expect(output()).toContain('got term');
  });

  test('a task that does not listen is forced', async () => {
    launch({ command: { value: 'trap "" TERM; echo ready; while true; do sleep 0.05; done' } });
    await running();
    await fileHolds('stdout', 'ready');
    executor.stop('C', 5000);
    executor.force('C');
    expect(await ended()).toEqual({ kind: 'exited', what: 'Command', exit: 'SIGKILL' });
  });

  test('what a task leaves running in its group ends with it', async () => {
    launch({ command: { value: 'sleep 1000 & echo $!' } });
    await ended();
    const pid = output().trim();
    await until(() => !existsSync(`/proc/${pid}`) || / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  });

  test('closing ends everything', async () => {
    launch({ command: { value: 'sleep 1000' } });
    await running();
    await executor.close();
    expect(reports.at(-1)).toEqual({ kind: 'exited', what: 'Command', exit: 'SIGKILL' });
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !condition();) {
    if (Date.now() > deadline) throw new Error('it did not happen');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const fileHolds = (name: string, text: string): Promise<void> =>
  until(() => existsSync(sandboxFile(name)) && output(name).includes(text));

describe('URIs', () => {
  let server: Server;
  let base: string;
  let served: number;

  beforeEach(async () => {
    served = 0;
    server = createServer((request, response) => {
      served += 1;
      if (request.url === '/hello.sh') response.end('#!/bin/sh\necho fetched $1 $GREETING\n');
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('an executable over HTTP, run as a relative path', async () => {
    const environment = { variables: [{ name: 'GREETING', value: 'hi' }] };
    const uris = [{ value: `${base}/hello.sh`, executable: true }];
    launch({ command: { shell: false, value: './hello.sh', arguments: ['hello.sh', 'world'], uris, environment } });
    expect(await ended()).toMatchObject({ exit: 0 });
    expect(output()).toBe('fetched world hi\n');
  });

  test('archives are unpacked, unless they are not to be; files get the name they are given', async () => {
    writeFileSync(join(folder, 'inner.txt'), 'inside');
    execFileSync('tar', ['-C', folder, '-czf', join(folder, 'a.tar.gz'), 'inner.txt']);
    const uris = [
      { value: `file://${join(folder, 'a.tar.gz')}` },
      { value: join(folder, 'a.tar.gz'), extract: false, output_file: 'kept/b.tar.gz' },
    ];
    launch({ command: { value: 'cat inner.txt; ls kept', uris } });
    await ended();
    expect(output()).toBe('insideb.tar.gz\n');
  });

  test('a cached file is downloaded once', async () => {
    const uris = [
      { value: `${base}/hello.sh`, cache: true, output_file: 'one' },
      { value: `${base}/hello.sh`, cache: true, output_file: 'two' },
    ];
    launch({ command: { value: 'cmp one two', uris } });
    expect(await ended()).toMatchObject({ exit: 0 });
    expect(served).toBe(1);
  });

  test.each([
    ['a file that is not there', { value: 'file:///no/such/file' }],
    ['a path out of the sandbox', { value: 'file:///etc/hostname', output_file: '../../out' }],
    ['an absolute path', { value: 'file:///etc/hostname', output_file: '/tmp/out' }],
    ['a scheme nobody fetches', { value: 'ftp://host/file' }],
    ['a relative path', { value: 'some/file' }],
  ])('%s fails the launch in the words of Mesos', async (_name, uri) => {
    launch({ command: { value: 'true', uris: [uri] } });
    expect(await ended()).toEqual({
      kind: 'failed',
      message: "Failed to launch container: Failed to fetch all URIs for container 'C': exited with status 1",
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    });
    expect(output('stderr')).not.toBe('');
  });

  test('a 404 fails too', async () => {
    launch({ command: { value: 'true', uris: [{ value: `${base}/nope` }] } });
    expect(await ended()).toMatchObject({ kind: 'failed' });
  });

  test('a launch that is given up while it fetches never starts', async () => {
    server.removeAllListeners('request');
    const asked = new Promise<void>((resolve) => server.once('request', () => resolve()));
    launch({ command: { value: 'touch ran', uris: [{ value: `${base}/slow` }] } });
    await asked;
    executor.force('C');
    expect(await ended()).toMatchObject({ kind: 'failed' });
    expect(existsSync(sandboxFile('ran'))).toBe(false);
  });
});

describe('containers', () => {
  let log: string;
  const cpus = { name: 'cpus', type: 'SCALAR', scalar: { value: 0.5 } } as const;
  const mem = { name: 'mem', type: 'SCALAR', scalar: { value: 64 } } as const;
  const ports = { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31_000, end: 31_001 }] } } as const;

  /** A `docker` that writes down what it is asked, and for `run` the variables it is given. */
  function useFakeDocker({ hasImage = true, daemon = true, run = 'exit 0' } = {}): void {
    const bin = join(folder, 'bin');
    log = join(folder, 'docker.log');
    mkdirSync(bin);
    const script = `#!/bin/sh
printf '%s\\0' "$@" >> ${log}; printf '\\036' >> ${log}
case "$1 $2" in
  "version --format") ${daemon ? 'echo 27.0' : 'echo "no daemon" >&2; exit 1'};;
  "image inspect") exit ${hasImage ? 0 : 1};;
  run*) for a in "$@"; do case "$last" in --env-file) cp "$a" ${folder}/env.txt;; esac; last=$a; done; ${run};;
  stop*) touch ${folder}/stopped;;
esac
`;
    writeFileSync(join(bin, 'docker'), script);
    chmodSync(join(bin, 'docker'), 0o755);
    start({ PATH: `${bin}:/usr/bin:/bin` });
  }

  const asked = (): string[][] =>
    readFileSync(log, 'utf8')
      .split('\x1e')
      .filter((call) => call !== '')
      .map((call) => call.split('\0').slice(0, -1));

  test('docker is asked for exactly what the task says', async () => {
    useFakeDocker({ run: 'echo out; exit 3' });
    launch({
      resources: [cpus, mem, ports],
      limits: { mem: { value: 128 }, cpus: { value: 2 } },
      command: {
        shell: false,
        arguments: ['serve', '--all'],
        environment: {
          variables: [
            { name: 'KEY', value: 'value' },
            { name: 'PEM', value: 'a\nb' },
          ],
        },
      },
      container: {
        type: 'DOCKER',
        hostname: 'web',
        docker: {
          image: 'nginx:1',
          network: 'BRIDGE',
          privileged: true,
          port_mappings: [{ host_port: 31_000, container_port: 80, protocol: 'TCP' }],
          parameters: [{ key: 'ulimit', value: 'nofile=10' }],
        },
        volumes: [
          { container_path: '/data', host_path: '/srv/data', mode: 'RO' },
          { container_path: '/work', host_path: 'work', mode: 'RW' },
          { container_path: 'cache', host_path: '/srv/cache', mode: 'RW' },
        ],
      },
    });
    expect(await ended()).toEqual({ kind: 'exited', what: 'Container', exit: 3 });
    const sandbox = join(folder, 'frameworks/F/executors/t/runs/C');
    expect(asked()).toEqual([
      ['version', '--format', '{{.Server.Version}}'],
      ['image', 'inspect', 'nginx:1'],
      [
        ...['run', '--rm', '--name', 'mesos-C'],
        ...['--label', 'MESOS_TASK_ID=t', '--label', 'MESOS_FRAMEWORK_ID=F', '--label', 'MESOS_CONTAINER_ID=C'],
        ...['--cpu-shares', '512', '--cpus', '2', '--memory', '134217728', '--memory-reservation', '67108864'],
        ...['--privileged', '--env-file', `${sandbox}.env`, '--env', 'PEM=a\nb'],
        ...['--volume', `${sandbox}:/mnt/mesos/sandbox`],
        ...['--volume', '/srv/data:/data:ro', '--volume', `${sandbox}/work:/work:rw`],
        ...['--volume', '/srv/cache:/mnt/mesos/sandbox/cache:rw'],
        ...['--net', 'bridge', '--hostname', 'web', '--publish', '31000:80/tcp', '--ulimit=nofile=10'],
        ...['nginx:1', 'serve', '--all'],
      ],
    ]);
    const variables = readFileSync(join(folder, 'env.txt'), 'utf8').split('\n');
    expect(variables).toEqual(
      expect.arrayContaining(['KEY=value', 'MESOS_SANDBOX=/mnt/mesos/sandbox', 'MESOS_TASK_ID=t']),
    );
    expect(existsSync(`${sandbox}.env`)).toBe(false);
    expect(output()).toBe('out\n');
  });

  test('a shell command replaces the entrypoint; a forced pull comes first', async () => {
    useFakeDocker();
    const docker = { image: 'alpine', force_pull_image: true };
    launch({ resources: [cpus, mem], command: { value: 'echo $HOME' }, container: { type: 'DOCKER', docker } });
    await ended();
    const [, pull, run] = asked();
    expect(pull).toEqual(['pull', 'alpine']);
    expect(run?.slice(run.indexOf('--net'))).toEqual([
      '--net',
      'host',
      '--entrypoint',
      '/bin/sh',
      'alpine',
      '-c',
      'echo $HOME',
    ]);
  });

  test('a missing image is pulled; an image of the Mesos containerizer runs too', async () => {
    useFakeDocker({ hasImage: false });
    const image = { type: 'DOCKER', docker: { name: 'busybox' } } as const;
    launch({ command: { value: 'true' }, container: { type: 'MESOS', mesos: { image } } });
    await ended();
    expect(asked().map(([first]) => first)).toEqual(['version', 'image', 'pull', 'run']);
  });

  test('an image of the Mesos containerizer is in the host’s network, and may have GPUs', async () => {
    useFakeDocker();
    const image = { type: 'DOCKER', docker: { name: 'cuda' } } as const;
    const gpus = { name: 'gpus', type: 'SCALAR', scalar: { value: 2 } } as const;
    const container = { type: 'MESOS', mesos: { image } } as const;
    launch({ resources: [cpus, gpus], command: { shell: false, arguments: ['nvidia-smi'] }, container });
    await ended();
    const run = asked().at(-1) ?? [];
    expect(run[run.indexOf('--gpus') + 1]).toBe('2');
    expect(run.slice(run.indexOf('--net'))).toEqual(['--net', 'host', 'cuda', 'nvidia-smi']);
  });

  test('a network of docker’s is joined once, by its name', async () => {
    useFakeDocker();
    const docker = { image: 'alpine', network: 'USER', parameters: [{ key: 'init', value: 'true' }] } as const;
    const command = { shell: false, arguments: [] };
    launch({ resources: [cpus], command, container: { type: 'DOCKER', docker, network_infos: [{ name: 'team' }] } });
    await ended();
    const run = asked().at(-1) ?? [];
    expect(run.slice(run.indexOf('--net'))).toEqual(['--net', 'team', '--init=true', 'alpine']);
  });

  test('a kill is a docker stop with the grace, in whole seconds', async () => {
    useFakeDocker({ run: `while ! [ -e ${folder}/stopped ]; do sleep 0.05; done; exit 143` });
    launch({ command: { value: 'sleep 100' }, container: { type: 'DOCKER', docker: { image: 'alpine' } } });
    await running();
    executor.stop('C', 2500);
    expect(await ended()).toEqual({ kind: 'exited', what: 'Container', exit: 143 });
    expect(asked()).toContainEqual(['stop', '--time=3', 'mesos-C']);
  });

  test('without a daemon the task fails and says why', async () => {
    useFakeDocker({ daemon: false });
    launch({ command: { value: 'true' }, container: { type: 'DOCKER', docker: { image: 'alpine' } } });
    expect(await ended()).toEqual({
      kind: 'failed',
      message: 'Failed to launch container: no container runtime answers (tried docker and podman)',
      reason: 'REASON_TASK_INVALID',
    });
  });

  const bridge = { image: 'i', network: 'BRIDGE', port_mappings: [{ host_port: 31_005, container_port: 80 }] } as const;
  test.each([
    ['a port of somebody else', { docker: bridge }, [ports], 'Port [31005] not included in resources'],
    ['ports without any', { docker: bridge }, [], 'Port mappings require port resources'],
    [
      'ports on the host network',
      { docker: { ...bridge, network: 'HOST' } },
      [ports],
      'Port mappings are only supported for bridge and user-defined networks',
    ],
    [
      'a network without a name',
      { docker: { image: 'i', network: 'USER' } },
      [],
      'Only a single named network can be specified in user network mode',
    ],
    [
      'a volume of which both paths are relative',
      { docker: { image: 'i' }, volumes: [{ host_path: 'a', container_path: 'b', mode: 'RW' }] },
      [],
      "Both host_path 'a' and container_path 'b' of a volume are relative",
    ],
    [
      'GPUs',
      { docker: { image: 'i' } },
      [{ name: 'gpus', type: 'SCALAR', scalar: { value: 1 } }],
      'GPUs are not available to Docker containers',
    ],
    [
      'a hostname on the host network',
      { hostname: 'h', docker: { image: 'i' } },
      [],
      'Unable to set hostname with host network mode',
    ],
  ] as const)('%s is refused', async (_name, container, resources, message) => {
    useFakeDocker();
    launch({ resources, command: { value: 'true' }, container: { type: 'DOCKER', ...container } });
    expect(await ended()).toMatchObject({ kind: 'failed', message: `Failed to launch container: ${message}` });
  });
});
