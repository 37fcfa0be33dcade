import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigProblems, loadConfig } from '@juice/runtime';
import { configSchema } from './config.ts';
import { readMesosAccess } from './mesos-access.ts';
import { frameworkInfo } from './session.ts';

const needed = {
  JUICE_MONGO_URL: 'mongodb://db/juice',
  JUICE_AMQP_URL: 'amqp://mq/',
  JUICE_MESOS_MASTERS: 'http://master:5050',
};

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(configSchema, env);
    return [];
  } catch (error: unknown) {
    if (!(error instanceof ConfigProblems)) throw error;
    return error.problems.map(({ variable }) => variable);
  }
}

async function caProblem(mesosCaFile: string): Promise<string> {
  const failure: unknown = await readMesosAccess({ mesosCaFile }).catch((error: unknown) => error);
  return failure instanceof ConfigProblems ? (failure.problems[0]?.problem ?? '') : '';
}

describe('the configuration', () => {
  test('a principal and its secret come together; what is amiss is told with all other problems', async () => {
    const pair = { JUICE_MESOS_PRINCIPAL: 'juice', JUICE_MESOS_SECRET: 's3cret' };
    const config = loadConfig(configSchema, { ...needed, ...pair });
    expect(await readMesosAccess(config)).toEqual({ credentials: { principal: 'juice', secret: 's3cret' } });
    expect(problemsOf({ ...needed, JUICE_MESOS_PRINCIPAL: 'juice' })).toEqual(['JUICE_MESOS_SECRET']);
    expect(problemsOf({ ...needed, JUICE_MESOS_SECRET: 's3cret' })).toEqual(['JUICE_MESOS_PRINCIPAL']);
    const several = { ...needed, JUICE_MESOS_SECRET: 's3cret', JUICE_LEASE: 'soon', JUICE_MESOS_GPUS: 'maybe' };
    expect([...problemsOf(several)].sort()).toEqual(['JUICE_LEASE', 'JUICE_MESOS_GPUS', 'JUICE_MESOS_PRINCIPAL']);
  });

  test.each([
    [{}, ['*']],
    [{ JUICE_MESOS_ROLE: 'juice' }, ['juice']],
    [{ JUICE_MESOS_ROLE: 'batch, web/front ,*' }, ['batch', 'web/front', '*']],
  ])('%j: the roles it subscribes with', (given, roles) => {
    const { mesosRoles } = loadConfig(configSchema, { ...needed, ...given });
    expect(mesosRoles).toEqual(roles);
    const plain = { name: 'juice', user: 'root', principal: null, hostname: 'h', frameworkId: null };
    expect(frameworkInfo({ ...plain, roles: mesosRoles, failoverTimeoutMs: 60_000 }).roles).toEqual(roles);
  });

  test('preemption wants one role, and is off by default', () => {
    expect(loadConfig(configSchema, needed).preemption).toBe('off');
    expect(loadConfig(configSchema, { ...needed, JUICE_PREEMPTION: 'on', JUICE_MESOS_ROLE: 'a' }).preemption).toBe(
      'on',
    );
    expect(problemsOf({ ...needed, JUICE_PREEMPTION: 'on', JUICE_MESOS_ROLE: 'a,b' })).toEqual(['JUICE_PREEMPTION']);
  });

  test.each([',', 'a,b,a', 'a b', '-a', '/a', 'a/', 'a//b', 'a/../b', 'a/*'])('%j are no roles', (given) => {
    expect(problemsOf({ ...needed, JUICE_MESOS_ROLE: given })).toEqual(['JUICE_MESOS_ROLE']);
  });

  test.each([
    ['JUICE_MESOS_PRINCIPAL', 'ju:ice', /a principal without a colon/],
    ['JUICE_MESOS_USER', 'a/b', /a unix user, without blanks/],
    ['JUICE_MESOS_USER', 'a b', /a unix user/],
    ['JUICE_PUBLIC_HOST', 'a b/c', /a host name or an address/],
    ['JUICE_PUBLIC_HOST', 'http://a', /a host name or an address/],
    ['JUICE_PUBLIC_HOST', 'a:8081', /without port/],
    ['JUICE_PUBLIC_HOST', '[::1]', /without port, path and brackets/],
    ['JUICE_MONGO_URL', 'mongodb://db/juice?bogus=1', /bogus/],
    ['JUICE_AMQP_URL', 'amqp://mq/?bogus=1', /bogus/],
  ])('%s=%s is refused', (variable, given, problem) => {
    const env = { ...needed, JUICE_MESOS_SECRET: 's3cret', JUICE_MESOS_PRINCIPAL: 'juice', [variable]: given };
    expect(() => loadConfig(configSchema, env)).toThrow(
      expect.objectContaining({
        problems: [{ variable, given: expect.anything(), problem: expect.stringMatching(problem) }],
      }),
    );
  });

  test.each(['juice-1.example.com', 'scheduler_1', '10.0.0.1', '::1', '2001:db8::1'])(
    '%s is a public host',
    (given) => {
      expect(loadConfig(configSchema, { ...needed, JUICE_PUBLIC_HOST: given }).publicHost).toBe(given);
    },
  );

  test('certificates are read from their file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'juice-ca-'));
    try {
      const file = join(folder, 'ca.pem');
      expect(await caProblem(file)).toMatch(/^cannot be read \(ENOENT\)/);
      await writeFile(file, 'a key, say');
      expect(await caProblem(file)).toBe('holds no certificate in PEM');
      const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
      await writeFile(file, pem);
      expect(await readMesosAccess({ mesosCaFile: file })).toEqual({ ca: pem });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('GPUs and a web page are told to the master where they are configured', () => {
    const plain = { name: 'juice', user: 'root', roles: ['*'], principal: null, hostname: 'h', frameworkId: null };
    const config = loadConfig(configSchema, {
      ...needed,
      ...{ JUICE_MESOS_GPUS: 'true', JUICE_MESOS_WEBUI_URL: 'https://juice.example.com', JUICE_FAILOVER_TIMEOUT: '7d' },
    });
    const told = frameworkInfo({ ...plain, ...config, gpus: config.mesosGpus, webuiUrl: config.mesosWebuiUrl });
    expect(told).toMatchObject({ webui_url: 'https://juice.example.com', failover_timeout: 604_800 });
    expect(told.capabilities).toContainEqual({ type: 'GPU_RESOURCES' });
    const untold = frameworkInfo({ ...plain, failoverTimeoutMs: 60_000 });
    expect(untold).not.toHaveProperty('webui_url');
    expect(untold.capabilities).not.toContainEqual({ type: 'GPU_RESOURCES' });
  });
});
