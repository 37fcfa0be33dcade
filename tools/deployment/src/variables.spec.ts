import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { apiConfigSchema } from '@juice/api';
import { callbackConfigSchema } from '@juice/callback';
import { loadConfig, variablesOf } from '@juice/runtime';
import { configSchema as schedulerConfigSchema } from '@juice/scheduler';
import type { z } from 'zod';
import {
  deploymentsOf,
  readCompose,
  readKustomize,
  readMarathonApps,
  root,
  services,
  type Service,
} from './manifests.ts';

const schemas: Readonly<Record<Service, z.ZodObject>> = {
  api: apiConfigSchema,
  scheduler: schedulerConfigSchema,
  callback: callbackConfigSchema,
};

/** What an operator gives: the manifests say only that it is given. */
const given: Readonly<Record<string, string>> = {
  JUICE_MONGO_URL: 'mongodb://juice:pw@mongodb/juice',
  JUICE_AMQP_URL: 'amqp://juice:pw@rabbitmq',
  JUICE_CALLBACK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  JUICE_ADMIN_KEY: '0123456789abcdef0123456789abcdef',
  JUICE_MESOS_MASTERS: 'zk://zk-1:2181/mesos',
  JUICE_MESOS_PRINCIPAL: 'juice',
  JUICE_MESOS_SECRET: 'secret',
  JUICE_PUBLIC_HOST: '192.0.2.7',
};

type Environment = Readonly<Record<string, string>>;

async function ofCompose(service: Service): Promise<Environment> {
  const { environment = {} } = (await readCompose()).services[service] ?? {};
  const entries = Object.entries(environment).map(([name, value]) => {
    // ${NAME:-default} and ${NAME:-}: as if the operator had set it where there is no default. (With ${NAME:?why} no other
    // profile would start without it; the service itself says what it wants.)
    const text = value.replaceAll(
      /\$\{(\w+):-([^}]*)\}/g,
      (_, variable: string, byDefault: string) => (byDefault === '' ? given[variable] : byDefault) ?? '',
    );
    return [name, text] as const;
  });
  return Object.fromEntries(entries);
}

async function ofKubernetes(service: Service): Promise<Environment> {
  const folders = await Promise.all(['base', 'overlays/example'].map(readKustomize));
  const maps = folders.flatMap(({ about }) => about.configMapGenerator ?? []);
  const literals = maps.filter(({ name }) => name === `juice-${service}`).flatMap((each) => each.literals);
  const deployments = deploymentsOf(folders.flatMap((each) => each.manifests));
  const deployment = deployments.find(({ metadata }) => metadata?.name === `juice-${service}`);
  const named = deployment?.spec?.template.spec?.containers[0]?.env ?? [];
  return {
    ...Object.fromEntries(
      literals.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
    ),
    ...Object.fromEntries(named.map(({ name }) => [name, given[name] ?? `nothing is given for ${name}`])),
  };
}

async function ofMarathon(service: Service): Promise<Environment> {
  const app = (await readMarathonApps()).get(`${service}.json`);
  const set = [...(app?.cmd ?? '').matchAll(/(JUICE_\w+)="\$(PORT0|HOST)"/g)];
  const atStart = set.map(([, name, what]) => [name ?? '', what === 'HOST' ? '192.0.2.7' : '31001'] as const);
  return { ...app?.env, ...Object.fromEntries(atStart), ...(await ofSecrets(service)) };
}

/** The file of /etc/juice that the docs describe: what is required, and set nowhere else. */
async function ofSecrets(service: Service): Promise<Environment> {
  const guide = await readFile(join(root, 'docs/operations.md'), 'utf8');
  const [, text = ''] = new RegExp(`# /etc/juice/${service}/${service}\\.env\\n([^#\`]*)`).exec(guide) ?? [];
  const names = [...text.matchAll(/^(JUICE_\w+)=/gm)].map(([, name]) => name ?? '');
  return Object.fromEntries(names.map((name) => [name, given[name] ?? '']));
}

describe.each([
  ['docker-compose.yml', ofCompose],
  ['deploy/kubernetes', ofKubernetes],
  ['deploy/marathon', ofMarathon],
])('%s', (_, environmentOf) => {
  test.each(services)(
    '%s: every variable is one that the service reads, and with them it would start',
    async (service) => {
      const environment = await environmentOf(service);
      const known = variablesOf(schemas[service]);
      expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
      expect(Object.keys(environment).length).toBeGreaterThan(2);
      // All that is required is there, and every value is one that it takes.
      expect(() => loadConfig(schemas[service], environment)).not.toThrow();
    },
  );

  test.each(services)('%s: it can be reached from other machines', async (service) => {
    const { JUICE_HOST, JUICE_HEALTH_HOST } = await environmentOf(service);
    expect(service === 'api' ? JUICE_HOST : JUICE_HEALTH_HOST).toBe('0.0.0.0');
  });
});

test('a variable that is required and missing would be noticed', async () => {
  const { JUICE_CALLBACK_SECRET: _, ...rest } = await ofKubernetes('callback');
  expect(() => loadConfig(callbackConfigSchema, rest)).toThrow(/JUICE_CALLBACK_SECRET/);
});

test('the example of the secrets names what the base takes from them, and the required ones are not optional', async () => {
  const text = await readFile(join(root, 'deploy/kubernetes/overlays/example/secrets.example.env'), 'utf8');
  const example = [...text.matchAll(/^(\w+)=/gm)].map(([, name]) => name);
  const { manifests } = await readKustomize('base');
  const deployments = deploymentsOf(manifests);
  const references = deployments
    .flatMap(({ spec }) => spec?.template.spec?.containers[0]?.env ?? [])
    .flatMap(({ name, valueFrom }) =>
      valueFrom?.secretKeyRef === undefined ? [] : [{ name, ...valueFrom.secretKeyRef }],
    );
  for (const { key, optional = false, name } of references) {
    if (!optional) expect(example).toContain(key);
    expect(name).toBe('juice');
  }
  expect(references.map(({ key }) => key)).toEqual(expect.arrayContaining(example));
});
