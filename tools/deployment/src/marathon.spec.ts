import { expect, test } from '@jest/globals';
import { marathonApp } from './marathon-app.ts';
import { readMarathonApps, services } from './manifests.ts';

const apps = await readMarathonApps();

test('there is one for each service, as Marathon takes it', () => {
  expect([...apps.keys()].toSorted()).toEqual(services.map((name) => `${name}.json`).toSorted());
});

test.each([...apps])('%s: each process is on a machine of its own, confined, and found by its port', (name, app) => {
  const service = name.replace('.json', '');
  expect(app).toMatchObject({
    id: `/juice/${service}`,
    constraints: [['hostname', 'UNIQUE']],
    networks: [{ mode: 'host' }],
    container: { docker: { privileged: false } },
    healthChecks: [{ path: '/livez', portIndex: 0 }],
    readinessChecks: [{ path: '/readyz', portName: app.portDefinitions[0]?.name }],
  });
  const parameters = app.container.docker.parameters.map(({ key, value }) => `${key}=${value}`);
  expect(parameters).toEqual(
    expect.arrayContaining(['read-only=true', 'cap-drop=ALL', 'security-opt=no-new-privileges']),
  );
  // The shell gives way to the service: SIGTERM reaches it.
  expect(app.cmd).toMatch(/ exec node --enable-source-maps --max-semi-space-size=64 service\/main\.js$/);
  const mounts = app.container.volumes.map(({ hostPath, containerPath, mode }) => [hostPath, containerPath, mode]);
  expect(mounts).toEqual([[`/etc/juice/${service}`, '/etc/juice', 'RO']]);
  expect(app.cmd).toContain(`. /etc/juice/${service}.env `);
});

test.each([
  ['an unknown member', { instnces: 2 }],
  ['a number in env', { env: { JUICE_PORT: 8080 } }],
  ['an operator', { constraints: [['hostname', 'UNIQ']] }],
  ['an id that is no path', { id: 'juice_api' }],
])('%s is refused', (_, wrong) => {
  expect(marathonApp.safeParse({ ...apps.get('api.json'), ...wrong }).success).toBe(false);
});
