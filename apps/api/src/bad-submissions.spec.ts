import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { ErrorCode, failureAnswer, type ErrorCodeName } from '@juice/contracts';
import { createApiFixture } from '../testing/api-fixture.ts';
import { openPolicy } from './machine-policy.ts';

// Every member of a submission in every way it can be wrong: the envelope, the original's code, the member's name and
// what would be right, with HTTP 400 and nothing stored.

type Row = readonly [body: object, member: string, code: ErrorCodeName];
const commands = { taskName: 'a', commands: 'true' };
const docker = (members: object): object => ({
  taskName: 'a',
  container: { docker: { image: 'busybox', ...members } },
});
const container = (members: object): object => ({
  taskName: 'a',
  container: { docker: { image: 'busybox' }, ...members },
});
const resources = (members: object): object => ({ ...commands, resources: members });
const listOf = (length: number, item: unknown): unknown[] => Array.from({ length }, () => item);

const names: Row[] = [
  [{ commands: 'true' }, 'taskName', 'OBJECT_NOT_NULL'],
  [{ ...commands, taskName: null }, 'taskName', 'OBJECT_NOT_NULL'],
  [{ ...commands, taskName: '' }, 'taskName', 'OBJECT_NOT_NULL'],
  [{ ...commands, taskName: ' \t' }, 'taskName', 'OBJECT_NOT_NULL'],
  [{ ...commands, taskName: 5 }, 'taskName', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, taskName: ['a'] }, 'taskName', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, taskName: 'x'.repeat(101) }, 'taskName', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, taskName: 'a\u0000b' }, 'taskName', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, taskName: 'a\nb' }, 'taskName', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, taskName: 'a\ud800b' }, 'taskName', 'OBJECT_NOT_EQUAL'],
];
const kinds: Row[] = [
  [{ taskName: 'a' }, 'container, commands', 'OBJECT_NOT_NULL'],
  [{ taskName: 'a', commands: null, container: null }, 'container, commands', 'OBJECT_NOT_NULL'],
  [{ taskName: 'a', commands: '  ' }, 'container, commands', 'OBJECT_NOT_NULL'],
  [{ ...container({}), commands: 'true' }, 'container, commands', 'OBJECT_NOT_EQUAL'],
  [{ taskName: 'a', commands: 5 }, 'commands', 'OBJECT_NOT_EQUAL'],
  [{ taskName: 'a', commands: 'a\u0000' }, 'commands', 'OBJECT_NOT_EQUAL'],
  [{ taskName: 'a', commands: 'x'.repeat(65_537) }, 'commands', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, args: ['x'] }, 'args', 'INIT_OBJECT'],
  [{ taskName: 'a', commands: [] }, 'commands[0]', 'OBJECT_NOT_NULL'],
  [{ taskName: 'a', commands: [' ', 'x'] }, 'commands[0]', 'OBJECT_NOT_NULL'],
  [{ taskName: 'a', commands: ['run', 5] }, 'commands[1]', 'OBJECT_NOT_EQUAL'],
  [{ taskName: 'a', commands: ['run', 'a\u0000'] }, 'commands[1]', 'OBJECT_NOT_EQUAL'],
  [{ taskName: 'a', commands: ['run', 'x'.repeat(65_537)] }, 'commands[1]', 'OBJECT_NOT_EQUAL'],
  [{ taskName: 'a', commands: listOf(257, 'x') }, 'commands', 'OBJECT_NOT_EQUAL'],
  [{ taskName: 'a', commands: ['run'], args: ['x'] }, 'args', 'INIT_OBJECT'],
  [{ ...container({}), commands: ['run'] }, 'container, commands', 'OBJECT_NOT_EQUAL'],
];
const urls: Row[] = [
  'ftp://example.com/',
  'example.com/callback',
  'http://',
  'http:example.com',
  'http://exa mple.com/',
  'http://example.com:99999/',
  'http://user:secret@example.com/',
  'http://@example.com/',
  'http:////user:secret@example.com/',
  'http://example.com/#part',
  'http://example.com\\evil',
  'javascript:alert(1)',
  `http://example.com/${'x'.repeat(2048)}`,
  5,
  {},
].map((callbackUrl): Row => [{ ...commands, callbackUrl }, 'callbackUrl', 'OBJECT_NOT_EQUAL']);
const amounts: Row[] = [
  [{ ...commands, resources: 'big' }, 'resources', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, resources: [] }, 'resources', 'OBJECT_NOT_EQUAL'],
  [resources({ cpu: 0 }), 'resources.cpu', 'OBJECT_NOT_EQUAL'],
  [resources({ cpu: -1 }), 'resources.cpu', 'OBJECT_NOT_EQUAL'],
  [resources({ cpu: '1' }), 'resources.cpu', 'OBJECT_NOT_EQUAL'],
  [resources({ cpu: 16.5 }), 'resources.cpu', 'OBJECT_NOT_EQUAL'],
  [resources({ cpu: 1e300 }), 'resources.cpu', 'OBJECT_NOT_EQUAL'],
  [resources({ cpu: true }), 'resources.cpu', 'OBJECT_NOT_EQUAL'],
  [resources({ mem: 0 }), 'resources.mem', 'OBJECT_NOT_EQUAL'],
  [resources({ mem: -0.5 }), 'resources.mem', 'OBJECT_NOT_EQUAL'],
  [resources({ mem: 16_385 }), 'resources.mem', 'OBJECT_NOT_EQUAL'],
  [resources({ mem: [512] }), 'resources.mem', 'OBJECT_NOT_EQUAL'],
  [resources({ disk: -1 }), 'resources.disk', 'OBJECT_NOT_EQUAL'],
  [resources({ disk: 1001 }), 'resources.disk', 'OBJECT_NOT_EQUAL'],
  [resources({ gpus: 0.5 }), 'resources.gpus', 'OBJECT_NOT_EQUAL'],
  [resources({ gpus: 5 }), 'resources.gpus', 'OBJECT_NOT_EQUAL'],
  [resources({ ports: -1 }), 'resources.ports', 'OBJECT_NOT_EQUAL'],
  [resources({ ports: 9 }), 'resources.ports', 'OBJECT_NOT_EQUAL'],
  [resources({ role: 5 }), 'resources.role', 'OBJECT_NOT_EQUAL'],
  [resources({ role: 'a b' }), 'resources.role', 'OBJECT_NOT_EQUAL'],
  [resources({ role: '-a' }), 'resources.role', 'OBJECT_NOT_EQUAL'],
  [resources({ role: 'a/../b' }), 'resources.role', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, priority: 'high' }, 'priority', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, priority: 0.5 }, 'priority', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, retry: -1 }, 'retry', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, retry: 1.5 }, 'retry', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, retry: 11 }, 'retry', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, retry: '1' }, 'retry', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, expireSeconds: 0 }, 'expireSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, expireSeconds: 604_801 }, 'expireSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, expireSeconds: 1.5 }, 'expireSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, expireSeconds: '60' }, 'expireSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, maxRunSeconds: 0 }, 'maxRunSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, maxRunSeconds: 86_401 }, 'maxRunSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, maxRunSeconds: 1.5 }, 'maxRunSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, maxRunSeconds: '60' }, 'maxRunSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, killGraceSeconds: -1 }, 'killGraceSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, killGraceSeconds: 601 }, 'killGraceSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, killGraceSeconds: 1.5 }, 'killGraceSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, killGraceSeconds: '60' }, 'killGraceSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, unreachableSeconds: -1 }, 'unreachableSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, unreachableSeconds: 0.5 }, 'unreachableSeconds', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, unreachableSeconds: 31_536_001 }, 'unreachableSeconds', 'OBJECT_NOT_EQUAL'],
];
const environments: Row[] = [
  [{ ...commands, env: 'A=1' }, 'env', 'INIT_OBJECT'],
  [{ ...commands, env: 5 }, 'env', 'INIT_OBJECT'],
  [{ ...commands, env: {} }, 'env.name', 'INIT_OBJECT'],
  [{ ...commands, env: { name: 'A' } }, 'env.value', 'INIT_OBJECT'],
  [{ ...commands, env: { name: '', value: '' } }, 'env.name', 'INIT_OBJECT'],
  [{ ...commands, env: { name: 'A=B', value: '' } }, 'env.name', 'INIT_OBJECT'],
  [{ ...commands, env: { name: '1A', value: '' } }, 'env.name', 'INIT_OBJECT'],
  [{ ...commands, env: { name: 'MESOS_AGENT_ENDPOINT', value: 'h:1' } }, 'env.name', 'INIT_OBJECT'],
  [{ ...container({}), envs: [{ name: 'MESOS_SANDBOX', value: '/' }] }, 'envs[0].name', 'INIT_OBJECT'],
  [{ ...commands, env: { name: 'A', value: 5 } }, 'env.value', 'INIT_OBJECT'],
  [{ ...commands, envs: [{ name: 'A', value: '1' }, null] }, 'envs[1]', 'INIT_OBJECT'],
  [{ ...commands, envs: [{ name: 'A', value: 'a\u0000' }] }, 'envs[0].value', 'INIT_OBJECT'],
  [{ ...commands, envs: [{ name: 'A', value: 'x'.repeat(65_537) }] }, 'envs[0].value', 'INIT_OBJECT'],
  [{ ...commands, envs: listOf(257, { name: 'A', value: '' }) }, 'envs', 'INIT_OBJECT'],
  [{ ...commands, env: { name: 'A', value: '1' }, envs: [{ name: 'A', value: '2' }] }, 'envs', 'INIT_OBJECT'],
  [{ ...container({}), args: 'x' }, 'args', 'INIT_OBJECT'],
  [{ ...container({}), args: [null] }, 'args[0]', 'INIT_OBJECT'],
  [{ ...container({}), args: ['x', 5] }, 'args[1]', 'INIT_OBJECT'],
  [{ ...container({}), args: listOf(257, 'x') }, 'args', 'INIT_OBJECT'],
];
const lists: Row[] = [
  [{ ...commands, uris: 'http://a/' }, 'uris', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, uris: [null] }, 'uris[0]', 'OBJECT_NOT_NULL'],
  [{ ...commands, uris: ['gopher://a/'] }, 'uris[0]', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, uris: ["http://a/'b"] }, 'uris[0]', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, uris: listOf(65, 'http://a/b') }, 'uris', 'OBJECT_NOT_EQUAL'],
  ...['http://a', 'http://a/', 'http://a/b/', 'http://a/..', 'http:///b', 'file://b/c', 'file://', '/', 'b/c'].map(
    (uri): Row => [{ ...commands, uris: [uri] }, 'uris[0]', 'OBJECT_NOT_EQUAL'],
  ),
  [{ ...commands, uris: [5] }, 'uris[0]', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, uris: [{}] }, 'uris[0].value', 'OBJECT_NOT_NULL'],
  [{ ...commands, uris: [{ value: 'http://a' }] }, 'uris[0].value', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, uris: [{ value: 'http://a/b/' }] }, 'uris[0].value', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, uris: ['http://a/b', { value: 'http://a/b', extract: 1 }] }, 'uris[1].extract', 'OBJECT_NOT_EQUAL'],
  [
    { ...commands, uris: [{ value: 'http://a/b', extract: true, executable: true }] },
    'uris[0].extract',
    'OBJECT_NOT_EQUAL',
  ],
  ...['/etc/passwd', '../a', 'a/../b', './a', 'a//b', 'a/', "a'b", 'a\\b', 'x'.repeat(1025)].map((outputFile): Row => [
    { ...commands, uris: [{ value: 'http://a/b', outputFile }] },
    'uris[0].outputFile',
    'OBJECT_NOT_EQUAL',
  ]),
  [{ ...commands, labels: 'a=b' }, 'labels', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, labels: { a: 5 } }, 'labels.a', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, labels: { a: null } }, 'labels.a', 'OBJECT_NOT_NULL'],
  [{ ...commands, labels: { a: 'é'.repeat(129) } }, 'labels.a', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, labels: { juice_tenant_id: 'x' } }, 'labels.juice_tenant_id', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, labels: { ' ': 'x' } }, 'labels. ', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, labels: { [`${'k'.repeat(129)}`]: 'x' } }, `labels.${'k'.repeat(64)}…`, 'OBJECT_NOT_EQUAL'],
  [{ ...commands, labels: [{ key: 'juice_', value: 'x' }] }, 'labels[0].key', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, labels: [{ key: 'a' }] }, 'labels[0].value', 'OBJECT_NOT_NULL'],
  [
    {
      ...commands,
      labels: [
        { key: 'a', value: '1' },
        { key: 'a', value: '2' },
      ],
    },
    'labels[1].key',
    'OBJECT_NOT_EQUAL',
  ],
  [{ ...commands, labels: listOf(65, { key: 'a', value: '1' }) }, 'labels', 'OBJECT_NOT_EQUAL'],
  [
    { ...commands, labels: Object.fromEntries(listOf(65, 0).map((_, at) => [`k${at}`, '1'])) },
    'labels',
    'OBJECT_NOT_EQUAL',
  ],
  [{ ...commands, constraints: 'RACK_ID' }, 'constraints', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, constraints: {} }, 'constraints.field', 'OBJECT_NOT_NULL'],
  [{ ...commands, constraints: { field: 'a\nb', values: ['a'] } }, 'constraints.field', 'OBJECT_NOT_EQUAL'],
  [
    { ...commands, constraints: { field: 'zone', operator: 'IS', values: ['a'] } },
    'constraints.operator',
    'OBJECT_NOT_EQUAL',
  ],
  [
    { ...commands, constraints: { field: 'zone', operator: 'EXISTS', values: ['a'] } },
    'constraints.values',
    'OBJECT_NOT_EQUAL',
  ],
  [
    { ...commands, constraints: { field: 'zone', operator: 'NOT_IN', values: [] } },
    'constraints.values',
    'OBJECT_NOT_EQUAL',
  ],
  [{ ...commands, constraints: { field: 'zone', operator: 'LIKE' } }, 'constraints.values', 'OBJECT_NOT_NULL'],
  [
    { ...commands, constraints: { field: 'zone', operator: 'LIKE', values: listOf(9, 'a') } },
    'constraints.values',
    'OBJECT_NOT_EQUAL',
  ],
  [
    { ...commands, constraints: { field: 'zone', operator: 'LIKE', values: ['a', '('] } },
    'constraints.values[1]',
    'OBJECT_NOT_EQUAL',
  ],
  [
    { ...commands, constraints: [{ field: 'zone', operator: 'UNLIKE', values: ['(?=a)'] }] },
    'constraints[0].values[0]',
    'OBJECT_NOT_EQUAL',
  ],
  [
    { ...commands, constraints: { field: 'zone', operator: 'LIKE', values: ['[a-z]{300}'] } },
    'constraints.values[0]',
    'OBJECT_NOT_EQUAL',
  ],
  [
    { ...commands, constraints: { field: 'cores', operator: 'GREATER', values: ['many'] } },
    'constraints.values',
    'OBJECT_NOT_EQUAL',
  ],
  [
    { ...commands, constraints: { field: 'cores', operator: 'LESS', values: ['1', '2'] } },
    'constraints.values',
    'OBJECT_NOT_EQUAL',
  ],
  [{ ...commands, group: 'g' }, 'group', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, group: { placement: 'unique' } }, 'group.name', 'OBJECT_NOT_NULL'],
  [{ ...commands, group: { name: 'g', placement: 'apart' } }, 'group.placement', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, group: { name: 'g', placement: 'unique', by: '' } }, 'group.by', 'OBJECT_NOT_NULL'],
  [{ ...commands, constraints: { field: 'HOSTNAME' } }, 'constraints.values', 'OBJECT_NOT_NULL'],
  [{ ...commands, constraints: { field: 'HOSTNAME', values: [] } }, 'constraints.values', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, constraints: [{ field: 'HOSTNAME', values: [''] }] }, 'constraints[0].values[0]', 'OBJECT_NOT_NULL'],
  [{ ...commands, constraints: listOf(17, { field: 'HOSTNAME', values: ['a'] }) }, 'constraints', 'OBJECT_NOT_EQUAL'],
  [{ ...commands, callbackEvents: 'some' }, 'callbackEvents', 'OBJECT_NOT_EQUAL'],
];
const containers: Row[] = [
  [{ taskName: 'a', container: 'busybox' }, 'container', 'OBJECT_NOT_EQUAL'],
  [{ taskName: 'a', container: {} }, 'container.docker', 'OBJECT_NOT_NULL'],
  [{ taskName: 'a', container: { docker: {} } }, 'container.docker.image', 'OBJECT_NOT_NULL'],
  [docker({ image: '' }), 'container.docker.image', 'OBJECT_NOT_NULL'],
  [docker({ image: null }), 'container.docker.image', 'OBJECT_NOT_NULL'],
  [docker({ image: '--privileged' }), 'container.docker.image', 'OBJECT_NOT_EQUAL'],
  [docker({ image: 'a b' }), 'container.docker.image', 'OBJECT_NOT_EQUAL'],
  [docker({ image: 'x'.repeat(513) }), 'container.docker.image', 'OBJECT_NOT_EQUAL'],
  [docker({ forcePullImage: 'yes' }), 'container.docker.forcePullImage', 'OBJECT_NOT_EQUAL'],
  [docker({ privileged: 1 }), 'container.docker.privileged', 'OBJECT_NOT_EQUAL'],
  [docker({ net: 'LAN' }), 'container.docker.net', 'OBJECT_NOT_EQUAL'],
  [docker({ parameters: { key: 'a', value: 'b' } }), 'container.docker.parameters', 'OBJECT_NOT_EQUAL'],
  [docker({ parameters: [{ key: '', value: 'b' }] }), 'container.docker.parameters[0].key', 'OBJECT_NOT_NULL'],
  [docker({ parameters: [{ key: '--init', value: 'b' }] }), 'container.docker.parameters[0].key', 'OBJECT_NOT_EQUAL'],
  [docker({ parameters: [{ key: 'a=b', value: 'b' }] }), 'container.docker.parameters[0].key', 'OBJECT_NOT_EQUAL'],
  [docker({ portMappings: [{}] }), 'container.docker.portMappings[0].containerPort', 'OBJECT_NOT_NULL'],
  [
    docker({ portMappings: [{ containerPort: 0 }] }),
    'container.docker.portMappings[0].containerPort',
    'OBJECT_NOT_EQUAL',
  ],
  [
    docker({ portMappings: [{ containerPort: 1, hostPort: 65_536 }] }),
    'container.docker.portMappings[0].hostPort',
    'OBJECT_NOT_EQUAL',
  ],
  [
    docker({ portMappings: [{ containerPort: 1, protocol: 'sctp' }] }),
    'container.docker.portMappings[0].protocol',
    'OBJECT_NOT_EQUAL',
  ],
  [docker({ net: 'NONE', portMappings: [{ containerPort: 1 }] }), 'container.docker.portMappings', 'OBJECT_NOT_EQUAL'],
  [container({ type: 'LXC' }), 'container.type', 'OBJECT_NOT_EQUAL'],
  [container({ volumes: {} }), 'container.volumes', 'OBJECT_NOT_EQUAL'],
  [container({ volumes: [{ containerPath: '/a' }] }), 'container.volumes[0].hostPath', 'OBJECT_NOT_NULL'],
  [container({ volumes: [{ hostPath: '/a' }] }), 'container.volumes[0].containerPath', 'OBJECT_NOT_NULL'],
  [
    container({ volumes: [{ hostPath: 'a', containerPath: '/a' }] }),
    'container.volumes[0].hostPath',
    'OBJECT_NOT_EQUAL',
  ],
  [
    container({ volumes: [{ hostPath: '/data/../etc', containerPath: '/a' }] }),
    'container.volumes[0].hostPath',
    'OBJECT_NOT_EQUAL',
  ],
  [
    container({ volumes: [{ hostPath: '/a', containerPath: '/a', dvo: 'RX' }] }),
    'container.volumes[0].dvo',
    'OBJECT_NOT_EQUAL',
  ],
];

const fixture = createApiFixture({ policy: openPolicy });
const post = (app: typeof fixture.app, body: unknown) =>
  request(app)
    .post('/v1/tasks')
    .set('X-Tenant-Id', 't')
    .set('Content-Type', 'application/json')
    .send(JSON.stringify(body));

describe.each(Object.entries({ names, kinds, urls, amounts, environments, lists, containers }))('%s', (_, rows) => {
  test.each(rows.map(([body, member, code]) => [member, code, body] as const))(
    '%#: %s, %s',
    async (member, code, body) => {
      const response = await post(fixture.app, body)
        .expect(400)
        .expect('content-type', /^application\/json/);
      const answer = failureAnswer.parse(response.body);
      expect(answer).toMatchObject({ status: ErrorCode[code], requestId: 'request-1' });
      const detail = answer.details?.find((one) => one.member === member);
      expect(detail).toMatchObject({ code: ErrorCode[code] });
      expect(detail?.message).toMatch(/ must /);
      expect(fixture.tasks.inserts).toEqual([]);
    },
  );
});

test('everything that is wrong is said at once, the first of it in the message', async () => {
  const body = { resources: { cpu: -1, mem: 99_999 }, env: { name: '' }, retry: 11, callbackUrl: 'x' };
  const { body: answer } = await post(fixture.app, body).expect(400);
  const details = failureAnswer.parse(answer).details ?? [];
  expect(details.map(({ member }) => member)).toEqual([
    'taskName',
    'callbackUrl',
    'resources.cpu',
    'resources.mem',
    'env.name',
    'env.value',
    'retry',
    'container, commands',
  ]);
  expect(answer).toMatchObject({
    status: -2127552257,
    message: expect.stringMatching(/^object not null error: taskName must be .* \(and 7 more\)$/),
  });
  expect(details.find(({ member }) => member === 'resources.mem')).toEqual({
    member: 'resources.mem',
    code: -2127552256,
    message:
      'resources.mem must be a positive finite number of MB, at most 16384, the most that a task may ask for, not 99999',
    value: '99999',
  });
});

test('the name of a label is what is shown of it when it is wrong', async () => {
  const { body: answer } = await post(fixture.app, { ...commands, labels: { juice_task_id: 'hunter2' } }).expect(400);
  const right = 'a text of 1 to 128 characters, not blank, without control characters, not beginning with "juice_"';
  expect(failureAnswer.parse(answer).details).toEqual([
    {
      member: 'labels.juice_task_id',
      code: -2127552256,
      message: `a name in labels must be ${right}, not "juice_task_id"`,
      value: '"juice_task_id"',
    },
  ]);
});

test.each([
  [{ commands: 5 }, 'commands must be a shell command, or a list of a program and its arguments, not 5'],
  [{ env: 5 }, 'env must be an object, or a list of at most 256 objects {name, value}, not 5'],
  [{ uris: [5] }, 'uris[0] must be a URI, or an object {value, extract, executable, cache, outputFile}, not 5'],
])('%j: what may be of several kinds is told with all of them', async (members, message) => {
  const { body: answer } = await post(fixture.app, { ...commands, ...members }).expect(400);
  expect(failureAnswer.parse(answer).details?.map((one) => one.message)).toEqual([message]);
});

test('what may be a secret is not repeated', async () => {
  const body = {
    ...commands,
    env: [{ name: 'PASSWORD', value: 'hunter2\u0000' }],
    callbackUrl: 'http://me:hunter2@example.com/',
    uris: ["http://files/'?signature=hunter2", { value: 'http://me:hunter2@files' }],
  };
  const { text } = await post(fixture.app, body).expect(400);
  expect(text).not.toContain('hunter2');
});

test.each(['hunter2', ['hunter2'], { name: 'PASSWORD', value: ['hunter2'] }])(
  'what was meant for a variable is not repeated, whatever it was given as: %j',
  async (env) => {
    const { text } = await post(fixture.app, { ...commands, env }).expect(400);
    expect(text).not.toContain('hunter2');
  },
);
