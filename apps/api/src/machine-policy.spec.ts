import { describe, expect, test } from '@jest/globals';
import type { TaskSpec } from '@juice/contracts';
import {
  checkMachinePolicy,
  closedPolicy,
  describeMachinePolicy,
  openPolicy,
  parseMachinePolicy,
  type MachinePolicy,
} from './machine-policy.ts';

const spec: TaskSpec = {
  taskName: 'a',
  callbackUrl: null,
  callbackEvents: 'all',
  commands: null,
  container: {
    type: 'DOCKER',
    docker: {
      image: 'busybox',
      forcePullImage: true,
      privileged: true,
      net: 'HOST',
      parameters: [
        { key: 'label', value: 'a' },
        { key: 'cap-add', value: 'ALL' },
      ],
      portMappings: [],
    },
    volumes: [
      { hostPath: '/data/team', containerPath: '/a', mode: 'RO' },
      { hostPath: '/database', containerPath: '/b', mode: 'RW' },
      { hostPath: '//data/./x/', containerPath: '/c', mode: 'RW' },
    ],
  },
  resources: { role: 'batch', cpus: 1, memMb: 1, diskMb: 0, gpus: 0, ports: 0 },
  env: [],
  args: [],
  uris: ['https://example.com/a', 'file:///etc/passwd', '/etc/passwd'],
  constraints: [],
  priority: 0,
  retry: 0,
  expireSeconds: null,
  maxRunSeconds: null,
  killGraceSeconds: null,
};

function refusedBy(policy: MachinePolicy | null): string[] {
  return checkMachinePolicy(policy ?? closedPolicy, spec).map(({ member }) => member);
}

describe('checkMachinePolicy', () => {
  test('allows nothing by default, and says all of it at once', () => {
    expect(refusedBy(closedPolicy)).toEqual([
      'container.docker.privileged',
      'container.docker.net',
      'container.docker.parameters[0]',
      'container.docker.parameters[1]',
      'container.volumes[0].hostPath',
      'container.volumes[1].hostPath',
      'container.volumes[2].hostPath',
      'resources.role',
      'uris[1]',
      'uris[2]',
    ]);
    expect(refusedBy(openPolicy)).toEqual([]);
  });

  test.each([
    [
      ['privileged', 'host-network', 'file-uris', 'roles', 'docker-parameters'],
      ['container.volumes[0].hostPath', 'container.volumes[1].hostPath', 'container.volumes[2].hostPath'],
    ],
    [
      ['privileged', 'host-network', 'file-uris', 'roles=batch', 'docker-parameters=label', 'host-volumes=/data'],
      ['container.docker.parameters[1]', 'container.volumes[1].hostPath'],
    ],
    [
      ['privileged', 'host-network', 'file-uris', 'roles=other', 'docker-parameters', 'host-volumes=/'],
      ['resources.role'],
    ],
    [['all'], []],
  ])('%j leaves refused: %j', (words, members) => {
    expect(refusedBy(parseMachinePolicy(words))).toEqual(members);
  });
});

describe('parseMachinePolicy', () => {
  test.each([
    'everything',
    'privileged=yes',
    'host-volumes=data',
    'host-volumes=',
    'Privileged',
    'constructor',
    '__proto__=x',
    '',
    'roles=a b',
  ])('%j is none', (word) => {
    expect(parseMachinePolicy([word])).toBeNull();
  });

  test.each([
    [[]],
    [['privileged', 'host-volumes=/a', 'host-volumes=/b', 'roles']],
    [['host-network', 'file-uris', 'docker-parameters=label']],
  ])('%j is described as it is written', (words: string[]) => {
    expect(describeMachinePolicy(parseMachinePolicy(words) ?? openPolicy)).toEqual(words);
  });

  test('all of a kind outweighs single ones', () => {
    expect(parseMachinePolicy(['roles', 'roles=a'])?.roles).toBe('all');
  });
});
