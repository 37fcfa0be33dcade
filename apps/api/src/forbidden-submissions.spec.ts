import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { ErrorCode, failureAnswer } from '@juice/contracts';
import { createApiFixture } from '../testing/api-fixture.ts';
import { openPolicy, parseMachinePolicy } from './machine-policy.ts';

// Submissions that are well-formed, and ask for what only the operator can allow.

const commands = { taskName: 'a', commands: 'true' };
const container = (members: object, docker: object = {}): object => ({
  taskName: 'a',
  container: { docker: { image: 'busybox', ...docker }, ...members },
});
const docker = (members: object): object => container({}, members);
const resources = (members: object): object => ({ ...commands, resources: members });

const fixture = createApiFixture({ policy: openPolicy });
const post = (app: typeof fixture.app, body: unknown) =>
  request(app)
    .post('/v1/tasks')
    .set('X-Tenant-Id', 't')
    .send(body as object);

describe('where callbacks may go', () => {
  const forbidden = [
    ...[
      ...['http://127.0.0.1:9000/', 'http://127.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://10.1.2.3/done'],
      ...['http://169.254.169.254/latest/meta-data/', 'http://168.63.129.16/', 'http://[::1]:9000/', 'http://[::]/'],
      ...[
        'http://[::ffff:10.0.0.1]/',
        'http://[64:ff9b::7f00:1]/',
        'http://[2002:7f00:1::]/',
        'http://[fd00:ec2::254]/',
      ],
      ...['http://example.com:22/', 'https://example.com:6379/'],
    ].map((callbackUrl) => [callbackUrl, 'NO_PERMISSION'] as const),
    [`http://${'a.'.repeat(200)}example/`, 'OBJECT_NOT_EQUAL'] as const,
  ];

  test.each(forbidden)('%s is refused', async (callbackUrl, code) => {
    const answer = failureAnswer.parse((await post(fixture.app, { ...commands, callbackUrl }).expect(400)).body);
    expect(answer.status).toBe(ErrorCode[code]);
    expect(answer.details).toMatchObject([{ member: 'callbackUrl', code: ErrorCode[code] }]);
    expect(answer.message).toMatch(/callbackUrl must .*, not "/);
    expect(fixture.tasks.inserts).toEqual([]);
  });

  test('what the operator allows is taken, and the query of what is refused is not repeated', async () => {
    const { app } = createApiFixture({ callbackAllow: ['10.0.0.0/8'] });
    await post(app, { ...commands, callbackUrl: 'http://10.1.2.3:9000/done' }).expect(200);
    const { text } = await post(app, { ...commands, callbackUrl: 'http://127.0.0.1/?key=hunter2' }).expect(400);
    expect(text).toContain('JUICE_CALLBACK_ALLOW');
    expect(text).not.toContain('hunter2');
  });
});

describe('the machine policy', () => {
  const refused: readonly (readonly [string, object, string])[] = [
    ['privileged', docker({ privileged: true }), 'container.docker.privileged'],
    ['host-network', docker({ net: 'HOST' }), 'container.docker.net'],
    ['host-network', docker({ net: 'host' }), 'container.docker.net'],
    ['docker-parameters', docker({ parameters: [{ key: 'cap-add', value: 'ALL' }] }), 'container.docker.parameters[0]'],
    ['host-volumes', container({ volumes: [{ hostPath: '/', containerPath: '/h' }] }), 'container.volumes[0].hostPath'],
    ['roles', resources({ role: 'batch' }), 'resources.role'],
    ['file-uris', { ...commands, uris: ['http://a/b', 'file:///etc/shadow'] }, 'uris[1]'],
    ['file-uris', { ...commands, uris: [{ value: '/etc/shadow', outputFile: 'x' }] }, 'uris[0]'],
    ['file-uris', { ...commands, uris: ['/etc/shadow'] }, 'uris[0]'],
  ];

  test.each(refused)(
    '%s: refused by default, named, and allowed where the operator says so',
    async (policy, body, member) => {
      const closed = createApiFixture();
      const { body: answer } = await post(closed.app, body).expect(400);
      expect(answer).toMatchObject({
        status: -2127560624,
        message: expect.stringContaining(`machine policy "${policy}"`),
        details: [{ member, policy, code: -2127560624 }],
      });
      expect(closed.tasks.inserts).toEqual([]);
      const open = createApiFixture({ policy: parseMachinePolicy([policy]) ?? openPolicy });
      await post(open.app, body).expect(200);
    },
  );
});
