import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { submitRequest } from './submit-request.ts';

const schema = submitRequest({
  cpus: 16,
  memMb: 16_384,
  diskMb: 1000,
  gpus: 4,
  ports: 8,
  retry: 10,
  expireSeconds: 604_800,
  runSeconds: 86_400,
  killGraceSeconds: 600,
});
const minimal = { taskName: 'a', commands: 'true' };

function reasons(body: unknown): string[] {
  return schema.safeParse(body).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

describe('submitRequest', () => {
  test('ignores unknown members at every level and takes null for absent', () => {
    const docker = {
      image: 'a',
      net: null,
      parameters: null,
      portMappings: [{ containerPort: 1, hostPort: null, x: 1 }],
      x: 1,
    };
    const body = {
      ...minimal,
      runMode: 'CONTAINER',
      callbackUrl: null,
      container: { docker, type: null, volumes: null, x: 1 },
      resources: { cpu: null, x: 1 },
    };
    expect(schema.parse(body)).toEqual({
      ...minimal,
      callbackUrl: null,
      container: {
        docker: { image: 'a', net: null, parameters: null, portMappings: [{ containerPort: 1, hostPort: null }] },
        type: null,
        volumes: null,
      },
      resources: { cpu: null },
    });
  });

  test('reads words in any case, and integers beyond 2^53 as numbers', () => {
    const read = schema.parse({
      ...minimal,
      container: {
        docker: { image: 'a', net: 'host', portMappings: [{ containerPort: 1, protocol: 'UDP' }] },
        type: 'docker',
      },
      constraints: [{ field: 'Hostname', values: ['h'] }],
      callbackEvents: 'TERMINAL',
    });
    expect(read).toMatchObject({
      container: { docker: { net: 'HOST', portMappings: [{ protocol: 'udp' }] }, type: 'DOCKER' },
      constraints: [{ field: 'HOSTNAME' }],
      callbackEvents: 'terminal',
    });
    expect(reasons({ ...minimal, resources: { cpu: 2n ** 60n } })).toEqual([
      'resources.cpu: a positive finite number of CPUs, at most 16, the most that a task may ask for',
    ]);
  });

  test('takes one variable or a list, one constraint or a list', () => {
    const one = { name: 'A', value: '' };
    expect(schema.parse({ ...minimal, env: one, envs: [one] })).toMatchObject({ env: one, envs: [one] });
  });

  test('takes commands as text or as a list, labels as an object or as a list, URIs with and without how', () => {
    const uris = ['http://h/a', { value: 'http://h/b/', outputFile: 'b', cache: true, extract: null, x: 1 }];
    expect(schema.parse({ ...minimal, commands: ['run', ''], labels: { a: 'b' }, uris })).toMatchObject({
      commands: ['run', ''],
      labels: { a: 'b' },
      uris: ['http://h/a', { value: 'http://h/b/', outputFile: 'b', cache: true, extract: null }],
    });
    const labels = [{ key: 'a', value: 'b' }];
    expect(schema.parse({ ...minimal, labels })).toMatchObject({ commands: 'true', labels });
  });

  test('judges a list’s length before its elements', () => {
    const body = { ...minimal, args: Array.from({ length: 100_000 }, () => 5) };
    expect(reasons(body)).toEqual(['args: a list of at most 256 strings']);
    const labels = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, 5]));
    expect(reasons({ ...minimal, labels })).toHaveLength(1);
  });

  test('measures commands in bytes, as the kernel does', () => {
    expect(reasons({ taskName: 'a', commands: 'é'.repeat(32_768) })).toEqual([]);
    expect(reasons({ taskName: 'a', commands: `${'é'.repeat(32_768)}x` })).toHaveLength(1);
  });

  test('can be written as JSON Schema, with the limits in it', () => {
    const written = z.toJSONSchema(schema, { io: 'input' }) as {
      properties: Record<string, unknown>;
      required: string[];
    };
    expect(written.required).toEqual(['taskName']);
    expect(JSON.stringify(written.properties['resources'])).toContain('"maximum":16');
  });
});
