import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root, services } from './manifests.ts';

const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Readonly<Record<string, string>>;
};

test.each(services)('%s: what its bundle imports is installed in the image', (service) => {
  const bundle = readFileSync(join(root, 'dist/apps', service, 'main.js'), 'utf8');
  const imports = [...bundle.matchAll(/^(?:import|export)\b[^'"\n]*['"]([^'"]+)['"];?$/gm)].map(
    ([, from]) => from ?? '',
  );
  const packages = imports
    .filter((from) => !isBuiltin(from))
    .map((from) => from.split('/', from[0] === '@' ? 2 : 1).join('/'));
  expect(packages.length).toBeGreaterThan(2);
  expect(packages.filter((name) => !(name in dependencies))).toEqual([]);
});

test('it does not run as root, its user is a number, and SIGTERM reaches the service', () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  expect(last).toMatch(/^USER 1000:1000$/m);
  expect(last).toMatch(/^ENTRYPOINT \["node", .*"service\/main\.js"\]$/m);
  expect(last).toMatch(/^STOPSIGNAL SIGTERM$/m);
  const [, copied = ''] = /^COPY (LICENSE .*) \.\/$/m.exec(last) ?? [];
  expect(copied.split(' ').filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

describe('healthcheck.mjs', () => {
  test.each(services)('%s: 0 when it lives, 1 when it says otherwise or nothing', async (service) => {
    let status = 200;
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(status).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    try {
      expect(await check(service, port)).toBe(0);
      status = 503;
      expect(await check(service, port)).toBe(1);
      expect(asked).toEqual(['/livez', '/livez']);
    } finally {
      server.close();
    }
    expect(await check(service, port)).toBe(1);
  });
});

function check(service: string, port: string): Promise<number> {
  const env = { APP: service, [service === 'api' ? 'JUICE_PORT' : 'JUICE_HEALTH_PORT']: port };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(root, 'deploy/healthcheck.mjs')], { env });
    child.once('exit', (code) => resolve(code ?? -1));
  });
}
