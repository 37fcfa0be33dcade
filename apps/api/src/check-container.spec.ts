import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { failureAnswer } from '@juice/contracts';
import { createApiFixture } from '../testing/api-fixture.ts';
import { openPolicy } from './machine-policy.ts';

// What Mesos would refuse or ignore of a container, or fail at on the agent, whatever the policy allows.

const image = 'busybox';
const { app, tasks } = createApiFixture({ policy: openPolicy });
const post = (members: object) =>
  request(app)
    .post('/v1/tasks')
    .set('X-Tenant-Id', 't')
    .send({ taskName: 'a', ...members });
const docker = (members: object) => ({ container: { docker: { image, ...members } } });
const mesos = (members: object) => ({ container: { type: 'MESOS', docker: { image, ...members } } });
const volumes = (...paths: object[]) => ({
  container: { docker: { image }, volumes: paths.map((path) => ({ hostPath: '/h', ...path })) },
});
const mapped = (...portMappings: object[]) => docker({ portMappings });

describe('refused', () => {
  test.each<[what: string, members: object, problems: [member: string, message: RegExp][]]>([
    [
      'GPUs with docker',
      { ...docker({}), resources: { gpus: 1 } },
      [['resources.gpus', /^resources\.gpus must be 0 with a container of type DOCKER: GPUs need type MESOS, not 1$/]],
    ],
    [
      'what the Mesos containerizer has no use for',
      mesos({ privileged: true, net: 'NONE', parameters: [{ key: 'init', value: 'true' }] }),
      [
        ['container.docker.privileged', /must be false with type MESOS/],
        ['container.docker.net', /must be absent, or HOST, with type MESOS/],
        ['container.docker.parameters', /must be empty with type MESOS/],
      ],
    ],
    ['a network of docker’s with MESOS', mesos({ net: 'USER' }), [['container.docker.net', /not "USER"$/]]],
    [
      'port mappings with MESOS',
      mesos({ portMappings: [{ containerPort: 80 }] }),
      [['container.docker.portMappings', /must be empty with type MESOS: .*resources\.ports/]],
    ],
    [
      'a host port twice',
      mapped({ containerPort: 80, hostPort: 31_000 }, { containerPort: 81, hostPort: 31_000, protocol: 'TCP' }),
      [['container.docker.portMappings[1].hostPort', /must be a port that is mapped once for tcp, not 31000$/]],
    ],
    [
      'net USER without a network',
      docker({ net: 'USER' }),
      [['container.docker.parameters', /must name one network with net USER.*"network".*, not 0$/]],
    ],
    [
      'net USER with two networks',
      docker({
        net: 'USER',
        parameters: [
          { key: 'net', value: 'a' },
          { key: 'network', value: 'b' },
        ],
      }),
      [['container.docker.parameters', /, not 2$/]],
    ],
    ...['host', 'container:other', 'name=host,alias=x', '', 'a b'].map(
      (value): [string, object, [string, RegExp][]] => [
        `net USER with a network called ${JSON.stringify(value)}`,
        docker({
          net: 'USER',
          parameters: [
            { key: 'init', value: 'true' },
            { key: 'network', value },
          ],
        }),
        [['container.docker.parameters[1].value', /must be the name of a network that was made with docker/]],
      ],
    ),
    ...['BRIDGE', 'HOST', 'NONE'].map((net): [string, object, [string, RegExp][]] => [
      `a network beside net ${net}`,
      docker({ net, parameters: [{ key: 'net', value: 'host' }] }),
      [['container.docker.parameters[0].key', new RegExp(`must be another option where net is ${net}`)]],
    ]),
    [
      'a name for the container',
      docker({ parameters: [{ key: 'name', value: 'x' }] }),
      [
        [
          'container.docker.parameters[0].key',
          /must be another option: the agent names its containers itself, not "name"$/,
        ],
      ],
    ],
    [
      'two volumes at one path, however it is written',
      volumes(
        { containerPath: '/a/b' },
        { containerPath: '/a//b/./' },
        { containerPath: 'x' },
        { containerPath: '/mnt/mesos/sandbox/x' },
      ),
      [
        ['container.volumes[1].containerPath', /must be a path that no other volume has/],
        ['container.volumes[3].containerPath', /must be a path that no other volume has/],
      ],
    ],
    [
      'a volume in place of the whole container, or of its sandbox',
      volumes({ containerPath: '/' }, { containerPath: '.' }, { containerPath: '/mnt/mesos/sandbox/' }),
      [0, 1, 2].map((at) => [
        `container.volumes[${at}].containerPath`,
        /must be a path below the root, or inside the sandbox/,
      ]),
    ],
    [
      'a volume outside the sandbox by a relative path',
      volumes({ containerPath: '../../etc' }),
      [['container.volumes[0].containerPath', /must be a path without "\.\."/]],
    ],
    [
      'what docker’s command line would take apart',
      volumes({ containerPath: '/a:/b' }, { containerPath: '/c', hostPath: '/d:/e' }),
      [
        ['container.volumes[0].containerPath', /must be a path without ":"/],
        ['container.volumes[1].hostPath', /must be a path without ":"/],
      ],
    ],
  ])('%s', async (_what, members, problems) => {
    const { body } = await post(members).expect(400);
    const details = failureAnswer.parse(body).details ?? [];
    expect(details.map(({ member }) => member)).toEqual(problems.map(([member]) => member));
    details.forEach(({ message }, at) => expect(message).toMatch(problems[at]?.[1] ?? ''));
    expect(tasks.inserts).toEqual([]);
  });
});

describe('allowed', () => {
  test.each<[what: string, members: object]>([
    ['a shell command with GPUs', { commands: 'nvidia-smi', resources: { gpus: 1 } }],
    ['GPUs with MESOS', { ...mesos({}), resources: { gpus: 2 } }],
    [
      'what a client fills in by itself, with MESOS',
      mesos({ privileged: false, net: 'BRIDGE', parameters: [], portMappings: [] }),
    ],
    [
      'TCP and UDP of one host port',
      mapped({ containerPort: 53, hostPort: 31_053 }, { containerPort: 53, hostPort: 31_053, protocol: 'udp' }),
    ],
    [
      'any ports, several times',
      mapped({ containerPort: 80 }, { containerPort: 80 }, { containerPort: 81, hostPort: 0 }),
    ],
    [
      'one container port at two host ports',
      mapped({ containerPort: 80, hostPort: 31_000 }, { containerPort: 80, hostPort: 31_001 }),
    ],
    [
      'a network by either of docker’s names',
      docker({ net: 'USER', parameters: [{ key: 'net', value: 'team_net-1.a' }] }),
    ],
    [
      'volumes inside the sandbox and beside each other',
      volumes({ containerPath: 'data' }, { containerPath: 'data/more' }, { containerPath: '/data' }),
    ],
  ])('%s', async (_what, members) => {
    await post(members).expect(200);
  });
});
