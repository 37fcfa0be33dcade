import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openExecutorTrial, type ExecutorTrial } from '../../testing/executor-trial.ts';

let trial: ExecutorTrial;

beforeEach(() => {
  trial = openExecutorTrial();
});

afterEach(() => trial.close());

describe('containers', () => {
  let log: string;
  const cpus = { name: 'cpus', type: 'SCALAR', scalar: { value: 0.5 } } as const;
  const mem = { name: 'mem', type: 'SCALAR', scalar: { value: 64 } } as const;
  const ports = { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31_000, end: 31_001 }] } } as const;

  /** A `docker` that writes down what it is asked, and for `run` the variables it is given. */
  function useFakeDocker({ hasImage = true, daemon = true, run = 'exit 0' } = {}): void {
    const bin = join(trial.folder, 'bin');
    log = join(trial.folder, 'docker.log');
    mkdirSync(bin);
    const script = `#!/bin/sh
printf '%s\\0' "$@" >> ${log}; printf '\\036' >> ${log}
case "$1 $2" in
  "version --format") ${daemon ? 'echo 27.0' : 'echo "no daemon" >&2; exit 1'};;
  "image inspect") exit ${hasImage ? 0 : 1};;
  run*) for a in "$@"; do case "$last" in --env-file) cp "$a" ${trial.folder}/env.txt;; esac; last=$a; done; ${run};;
  stop*) touch ${trial.folder}/stopped;;
esac
`;
    writeFileSync(join(bin, 'docker'), script);
    chmodSync(join(bin, 'docker'), 0o755);
    trial.start({ PATH: `${bin}:/usr/bin:/bin` });
  }

  const asked = (): string[][] =>
    readFileSync(log, 'utf8')
      .split('\x1e')
      .filter((call) => call !== '')
      .map((call) => call.split('\0').slice(0, -1));

  test('docker is asked for exactly what the task says', async () => {
    useFakeDocker({ run: 'echo out; exit 3' });
    trial.launch({
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
    expect(await trial.ended()).toEqual({ kind: 'exited', what: 'Container', exit: 3 });
    const sandbox = join(trial.folder, 'frameworks/F/executors/t/runs/C');
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
    const variables = readFileSync(join(trial.folder, 'env.txt'), 'utf8').split('\n');
    expect(variables).toEqual(
      expect.arrayContaining(['KEY=value', 'MESOS_SANDBOX=/mnt/mesos/sandbox', 'MESOS_TASK_ID=t']),
    );
    expect(existsSync(`${sandbox}.env`)).toBe(false);
    expect(trial.output()).toBe('out\n');
  });

  test('a shell command replaces the entrypoint; a forced pull comes first', async () => {
    useFakeDocker();
    const docker = { image: 'alpine', force_pull_image: true };
    trial.launch({ resources: [cpus, mem], command: { value: 'echo $HOME' }, container: { type: 'DOCKER', docker } });
    await trial.ended();
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
    trial.launch({ command: { value: 'true' }, container: { type: 'MESOS', mesos: { image } } });
    await trial.ended();
    expect(asked().map(([first]) => first)).toEqual(['version', 'image', 'pull', 'run']);
  });

  test('an image of the Mesos containerizer is in the host’s network, and may have GPUs', async () => {
    useFakeDocker();
    const image = { type: 'DOCKER', docker: { name: 'cuda' } } as const;
    const gpus = { name: 'gpus', type: 'SCALAR', scalar: { value: 2 } } as const;
    const container = { type: 'MESOS', mesos: { image } } as const;
    trial.launch({ resources: [cpus, gpus], command: { shell: false, arguments: ['nvidia-smi'] }, container });
    await trial.ended();
    const run = asked().at(-1) ?? [];
    expect(run[run.indexOf('--gpus') + 1]).toBe('2');
    expect(run.slice(run.indexOf('--net'))).toEqual(['--net', 'host', 'cuda', 'nvidia-smi']);
  });

  test('a network of docker’s is joined once, by its name', async () => {
    useFakeDocker();
    const docker = { image: 'alpine', network: 'USER', parameters: [{ key: 'init', value: 'true' }] } as const;
    const command = { shell: false, arguments: [] };
    trial.launch({
      resources: [cpus],
      command,
      container: { type: 'DOCKER', docker, network_infos: [{ name: 'team' }] },
    });
    await trial.ended();
    const run = asked().at(-1) ?? [];
    expect(run.slice(run.indexOf('--net'))).toEqual(['--net', 'team', '--init=true', 'alpine']);
  });

  test('a kill is a docker stop with the grace, in whole seconds', async () => {
    useFakeDocker({ run: `while ! [ -e ${trial.folder}/stopped ]; do sleep 0.05; done; exit 143` });
    trial.launch({ command: { value: 'sleep 100' }, container: { type: 'DOCKER', docker: { image: 'alpine' } } });
    await trial.running();
    trial.executor.stop('C', 2500);
    expect(await trial.ended()).toEqual({ kind: 'exited', what: 'Container', exit: 143 });
    expect(asked()).toContainEqual(['stop', '--time=3', 'mesos-C']);
  });

  test('without a daemon the task fails and says why', async () => {
    useFakeDocker({ daemon: false });
    trial.launch({ command: { value: 'true' }, container: { type: 'DOCKER', docker: { image: 'alpine' } } });
    expect(await trial.ended()).toEqual({
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
    trial.launch({ resources, command: { value: 'true' }, container: { type: 'DOCKER', ...container } });
    expect(await trial.ended()).toMatchObject({ kind: 'failed', message: `Failed to launch container: ${message}` });
  });
});
