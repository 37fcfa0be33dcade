import { describe, expect, test } from '@jest/globals';
import { asTaskId, type TaskId, type TaskSpec } from '@juice/contracts';
import type { Offer, Resource } from '@juice/mesos';
import { buildAccept } from './launches.ts';
import { toOffer } from './translate.ts';

const role = { allocation_info: { role: 'juice' } };
const reserved = [{ type: 'STATIC' as const, role: 'juice' }];

function scalar(name: string, value: number, reservations: Resource['reservations'] = []): Resource {
  return { name, type: 'SCALAR', scalar: { value }, reservations, ...role };
}

const offer: Offer = {
  id: { value: 'o1' },
  framework_id: { value: 'f' },
  agent_id: { value: 'a1' },
  hostname: 'h1',
  ...role,
  resources: [
    scalar('cpus', 0.3),
    scalar('cpus', 1, reserved),
    scalar('mem', 1000.9),
    {
      name: 'ports',
      type: 'RANGES',
      ranges: {
        range: [
          { begin: 31_000, end: 31_002 },
          { begin: 31_010, end: 31_010 },
        ],
      },
      reservations: [],
      ...role,
    },
    { ...scalar('cpus', 50), revocable: {} },
  ],
  executor_ids: [],
  attributes: [{ name: 'rack_id', type: 'TEXT', text: { value: 'r7' } }],
  url: { scheme: 'http', address: { port: 5051 }, query: [] },
};

const spec: TaskSpec = {
  taskName: 'demo',
  callbackUrl: null,
  callbackEvents: 'all',
  commands: 'echo hello',
  container: null,
  resources: { role: '*', cpus: 0.1, memMb: 32, diskMb: 0, gpus: 0, ports: 0 },
  env: [{ name: 'environment', value: 'dev' }],
  args: [],
  uris: ['http://example.test/a.tgz'],
  constraints: [],
  priority: 0,
  retry: 0,
  expireSeconds: null,
  maxRunSeconds: null,
  killGraceSeconds: null,
};

function accept(...specs: TaskSpec[]) {
  const launches = specs.map((_, at) => ({
    taskId: asTaskId(BigInt(at + 1)) as TaskId,
    tenantId: 't',
    attempt: 1,
    mesosTaskId: `demo-${at + 1}-1`,
  }));
  const byId = new Map(launches.map((launch, at) => [launch.taskId, { spec: specs[at] ?? spec }]));
  const built = buildAccept(
    { kind: 'accept', offerIds: ['o1'], agentId: 'a1', launches, refuseSeconds: 0 },
    [offer],
    byId,
    'f',
  );
  const call = built.call.type === 'ACCEPT' ? built.call.accept : undefined;
  return { ...built, infos: call?.operations?.[0]?.launch?.task_infos ?? [] };
}

describe('an offer in the core’s integers', () => {
  test('sums what one-shot tasks may use, rounded down', () => {
    expect(toOffer(offer)).toEqual({
      offerId: 'o1',
      agentId: 'a1',
      role: 'juice',
      hostname: 'h1',
      agentPort: 5051,
      cpuMillis: 1300,
      memMb: 1000,
      diskMb: 0,
      gpus: 0,
      ports: 4,
      portRanges: [
        { begin: 31_000, end: 31_002 },
        { begin: 31_010, end: 31_010 },
      ],
      attributes: [{ name: 'rack_id', kind: 'text', text: 'r7' }],
      unavailability: null,
    });
  });
});

test('an offer without a role is for tasks that name none', () => {
  const { allocation_info: _role, ...plain } = offer;
  expect(toOffer(plain).role).toBe('*');
});

describe('an ACCEPT', () => {
  test('takes reserved resources before unreserved ones, each as it was offered', () => {
    const { infos } = accept({ ...spec, resources: { ...spec.resources, cpus: 1.2 } });
    expect(infos[0]?.resources?.filter(({ name }) => name === 'cpus')).toEqual([
      scalar('cpus', 1, reserved),
      scalar('cpus', 0.2),
    ]);
  });

  test('tells the agent how long a task may run and may take to stop, where it says', () => {
    const { infos } = accept(spec, { ...spec, maxRunSeconds: 60, killGraceSeconds: 0 });
    expect(infos[0]).not.toHaveProperty('max_completion_time');
    expect(infos[0]).not.toHaveProperty('kill_policy');
    expect(infos[1]).toMatchObject({
      max_completion_time: { nanoseconds: 60_000_000_000 },
      kill_policy: { grace_period: { nanoseconds: 0 } },
    });
  });

  test('gives tasks of one offer different ports, told in their environment', () => {
    const wants = { ...spec, resources: { ...spec.resources, ports: 2 } };
    const { infos, refused } = accept(wants, wants);
    const ports = infos.map(
      (info) => info.command?.environment?.variables?.find(({ name }) => name === 'PORTS')?.value,
    );
    expect(ports).toEqual(['31000,31001', '31002,31010']);
    expect(refused).toEqual([]);
  });

  test('leaves out a task whose host port is not offered, and takes the others', () => {
    const mapped = (hostPort: number): TaskSpec => ({
      ...spec,
      commands: null,
      container: {
        type: 'DOCKER',
        docker: {
          image: 'busybox',
          forcePullImage: true,
          privileged: false,
          net: 'BRIDGE',
          parameters: [],
          portMappings: [
            { containerPort: 80, hostPort, protocol: 'tcp' },
            { containerPort: 81, hostPort: 0, protocol: 'udp' },
          ],
        },
        volumes: [],
      },
    });
    const { infos, included, refused } = accept(mapped(80), mapped(31_010));
    expect(included.map(({ mesosTaskId }) => mesosTaskId)).toEqual(['demo-2-1']);
    expect(refused).toEqual([expect.objectContaining({ detail: 'the offer of h1 does not hold its host ports' })]);
    expect(infos[0]?.container?.docker?.port_mappings).toEqual([
      { container_port: 80, host_port: 31_010, protocol: 'tcp' },
      { container_port: 81, host_port: expect.any(Number), protocol: 'udp' },
    ]);
    expect(infos[0]?.command).toMatchObject({ shell: false, arguments: [] });
  });

  test('runs a command by the shell, with its environment and URIs', () => {
    expect(accept(spec).infos[0]).toMatchObject({
      name: 'demo',
      task_id: { value: 'demo-1-1' },
      agent_id: { value: 'a1' },
      command: {
        shell: true,
        value: 'echo hello',
        environment: { variables: [{ name: 'environment', value: 'dev' }] },
        uris: [{ value: 'http://example.test/a.tgz' }],
      },
    });
  });
});
