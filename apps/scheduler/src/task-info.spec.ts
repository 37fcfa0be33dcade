import { describe, expect, test } from '@jest/globals';
import { asTaskId, type ContainerSpec, type TaskId, type TaskSpec } from '@juice/contracts';
import type { Draft, Resource, TaskInfo } from '@juice/mesos';
import { buildTaskInfo, wantOf } from './task-info.ts';

// What goes to the master, whole: every member that a spec can have, against the TaskInfo written out.

const spec: TaskSpec = {
  taskName: 'demo task',
  callbackUrl: null,
  callbackEvents: 'all',
  commands: 'echo hello',
  container: null,
  resources: { role: '*', cpus: 0.1, memMb: 32, diskMb: 0, gpus: 0, ports: 0 },
  env: [],
  args: [],
  uris: [],
  constraints: [],
  priority: 0,
  retry: 0,
  expireSeconds: null,
  maxRunSeconds: null,
  killGraceSeconds: null,
};
const cpus: Draft<Resource> = {
  name: 'cpus',
  type: 'SCALAR',
  scalar: { value: 0.1 },
  allocation_info: { role: 'batch' },
  reservations: [{ type: 'DYNAMIC', role: 'batch', principal: 'ops' }],
};
const own = [
  { key: 'juice_task_id', value: '806769905152840693' },
  { key: 'juice_tenant_id', value: 'acme' },
];

function built(changes: Partial<TaskSpec>, ports: readonly number[] = []): Draft<TaskInfo> {
  return buildTaskInfo({
    taskId: asTaskId(806769905152840693n) as TaskId,
    tenantId: 'acme',
    mesosTaskId: 'demo_task-806769905152840693-2',
    agentId: 'S1',
    spec: { ...spec, ...changes },
    taken: { resources: [cpus], ports },
  });
}

/** The TaskInfo of a spec that asks for nothing, but for these. */
function info(changes: Partial<Draft<TaskInfo>>): Draft<TaskInfo> {
  return {
    name: 'demo task',
    task_id: { value: 'demo_task-806769905152840693-2' },
    agent_id: { value: 'S1' },
    resources: [cpus],
    labels: { labels: own },
    command: { environment: { variables: [] }, uris: [], shell: true, value: 'echo hello' },
    ...changes,
  };
}

describe('a command', () => {
  test('is run by the shell; resources are those of the offer', () => {
    expect(built({})).toEqual(info({}));
  });

  test('with all that can be said of it', () => {
    const asked: Partial<TaskSpec> = {
      env: [{ name: 'GREETING', value: 'hi' }],
      uris: ['http://files.test/a.tgz', 'http://files.test/run', 'http://files.test/c.zip'],
      fetching: [
        { extract: true, executable: false, cache: false, outputFile: null },
        { extract: false, executable: true, cache: false, outputFile: null },
        { extract: false, executable: false, cache: true, outputFile: 'data/c' },
      ],
      labels: [
        { key: 'team', value: 'render' },
        { key: 'a.b$c', value: '' },
      ],
      maxRunSeconds: 90,
      killGraceSeconds: 0,
      unreachableSeconds: 30,
      priority: 1,
      retry: 3,
    };
    expect(built(asked, [31_000, 31_005])).toEqual(
      info({
        max_completion_time: { nanoseconds: 90_000_000_000 },
        kill_policy: { grace_period: { nanoseconds: 0 } },
        labels: { labels: [...own, { key: 'team', value: 'render' }, { key: 'a.b$c', value: '' }] },
        command: {
          shell: true,
          value: 'echo hello',
          environment: {
            variables: [
              { name: 'GREETING', value: 'hi' },
              { name: 'PORTS', value: '31000,31005' },
              { name: 'PORT0', value: '31000' },
              { name: 'PORT1', value: '31005' },
            ],
          },
          uris: [
            { value: 'http://files.test/a.tgz', extract: true, executable: false, cache: false },
            { value: 'http://files.test/run', extract: false, executable: true, cache: false },
            { value: 'http://files.test/c.zip', extract: false, executable: false, cache: true, output_file: 'data/c' },
          ],
        },
      }),
    );
  });

  test('as a list is run without a shell, the program the first of its own arguments', () => {
    const argv = ['./convert', 'a b', '*'];
    const command = { environment: { variables: [] }, uris: [], shell: false, value: './convert', arguments: argv };
    expect(built({ commands: "./convert 'a b' '*'", argv })).toEqual(info({ command }));
  });

  test('of a task stored before any of this could be said is what it was', () => {
    const { maxRunSeconds: _run, killGraceSeconds: _grace, ...old } = { ...spec, uris: ['http://files.test/a.tgz'] };
    const uris = [{ value: 'http://files.test/a.tgz', extract: true, executable: false, cache: false }];
    expect(built(old)).toEqual(
      info({ command: { environment: { variables: [] }, uris, shell: true, value: 'echo hello' } }),
    );
  });
});

const docker: ContainerSpec['docker'] = {
  image: 'registry.test/app:1',
  forcePullImage: true,
  privileged: false,
  net: 'BRIDGE',
  parameters: [],
  portMappings: [],
};
const volumes: ContainerSpec['volumes'] = [
  { containerPath: '/data', hostPath: '/srv/data', mode: 'RO' },
  { containerPath: 'work', hostPath: '/srv/work', mode: 'RW' },
];
const entrypoint = { environment: { variables: [] }, uris: [], shell: false, arguments: ['serve', '--all'] };

function container(type: ContainerSpec['type'], changes: Partial<ContainerSpec['docker']>): Partial<TaskSpec> {
  return {
    commands: null,
    args: ['serve', '--all'],
    container: { type, docker: { ...docker, ...changes }, volumes },
  };
}

describe('a container', () => {
  const mounted = [
    { container_path: '/data', host_path: '/srv/data', mode: 'RO' },
    { container_path: 'work', host_path: '/srv/work', mode: 'RW' },
  ] as const;

  test('of docker’s, bridged, its ports mapped', () => {
    const portMappings: ContainerSpec['docker']['portMappings'] = [
      { containerPort: 53, hostPort: 31_053, protocol: 'tcp' },
      { containerPort: 53, hostPort: 31_053, protocol: 'udp' },
      { containerPort: 80, hostPort: 0, protocol: 'tcp' },
    ];
    const asked = container('DOCKER', { portMappings, parameters: [{ key: 'ulimit', value: 'nofile=10' }] });
    const variables = [
      { name: 'PORTS', value: '31000,31053' },
      { name: 'PORT0', value: '31000' },
      { name: 'PORT1', value: '31053' },
    ];
    expect(built(asked, [31_000, 31_053])).toEqual(
      info({
        command: { ...entrypoint, environment: { variables } },
        container: {
          type: 'DOCKER',
          volumes: mounted,
          docker: {
            image: 'registry.test/app:1',
            network: 'BRIDGE',
            privileged: false,
            force_pull_image: true,
            parameters: [{ key: 'ulimit', value: 'nofile=10' }],
            port_mappings: [
              { host_port: 31_053, container_port: 53, protocol: 'tcp' },
              { host_port: 31_053, container_port: 53, protocol: 'udp' },
              { host_port: 31_000, container_port: 80, protocol: 'tcp' },
            ],
          },
          network_infos: [],
        },
      }),
    );
  });

  test.each(['HOST', 'NONE'] as const)('of docker’s with net %s', (net) => {
    expect(built(container('DOCKER', { net, privileged: true, forcePullImage: false })).container).toEqual({
      type: 'DOCKER',
      volumes: mounted,
      docker: {
        image: 'registry.test/app:1',
        network: net,
        privileged: true,
        force_pull_image: false,
        parameters: [],
        port_mappings: [],
      },
      network_infos: [],
    });
  });

  test.each(['network', 'net'])('in a network named by the option %s, which docker is not given again', (key) => {
    const parameters = [
      { key: 'label', value: 'a=b' },
      { key, value: 'team-net' },
    ];
    expect(built(container('DOCKER', { net: 'USER', parameters })).container).toMatchObject({
      docker: { network: 'USER', parameters: [{ key: 'label', value: 'a=b' }] },
      network_infos: [{ name: 'team-net' }],
    });
  });

  test('of the Mesos containerizer: the image, the volumes, and nothing of docker’s', () => {
    expect(built(container('MESOS', { net: 'HOST', forcePullImage: false }))).toEqual(
      info({
        command: entrypoint,
        container: {
          type: 'MESOS',
          volumes: mounted,
          mesos: { image: { type: 'DOCKER', docker: { name: 'registry.test/app:1' }, cached: true } },
        },
      }),
    );
    const forced = built(container('MESOS', { forcePullImage: true })).container;
    expect(forced?.mesos?.image?.cached).toBe(false);
  });
});

test('what a task takes of an offer: a host port that is shared counts once', () => {
  const asked = container('DOCKER', {
    portMappings: [
      { containerPort: 53, hostPort: 31_053, protocol: 'tcp' },
      { containerPort: 53, hostPort: 31_053, protocol: 'udp' },
      { containerPort: 80, hostPort: 0, protocol: 'tcp' },
    ],
  });
  const resources = { role: '*', cpus: 0.25, memMb: 32.5, diskMb: 10, gpus: 2, ports: 1 };
  expect(wantOf({ ...spec, ...asked, resources })).toEqual({
    ...{ cpuMillis: 250, memMb: 33, diskMb: 10, gpus: 2 },
    hostPorts: [31_053],
    anyPorts: 2,
  });
});
