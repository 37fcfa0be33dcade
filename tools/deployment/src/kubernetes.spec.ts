import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { problemsOf } from './check-kubernetes.ts';
import { deploymentsOf, parseManifests, readKustomize, root, type Manifest } from './manifests.ts';

const { manifests } = await readKustomize('base');
const monitoring = await readKustomize('components/monitoring');
const deployments = deploymentsOf(manifests);

describe('by the schemas', () => {
  test('the base and the monitoring component are valid', () => {
    expect(problemsOf([...manifests, ...monitoring.manifests])).toEqual([]);
  });

  const [deployment] = manifests;
  test.each([
    ['a type', '"maxSurge":1', '"maxSurge":true', 'must match exactly one schema'],
    ['a number', '"terminationGracePeriodSeconds":45', '"terminationGracePeriodSeconds":"45"', 'must be integer'],
    ['a name deep inside', '"failureThreshold":6', '"failureTreshold":6', '\'"failureTreshold"\' does not exist'],
    [
      'a missing member',
      '"selector":{"matchLabels":{"app.kubernetes.io/name":"juice-api"}},',
      '',
      'must have required property selector',
    ],
    ['a version', '"apps/v1"', '"apps/v1beta9"', 'no schema for apps/v1beta9'],
  ])('%s that is wrong is told', (_, right, wrong, words) => {
    const text = JSON.stringify(deployment);
    expect(text).toContain(right);
    const broken = JSON.parse(text.replace(right, wrong)) as Manifest;
    expect(problemsOf([broken]).join('\n')).toContain(words);
  });
});

describe('every deployment', () => {
  test.each(deployments.map((each) => [each.metadata?.name, each] as const))('%s is confined', (_, { spec }) => {
    const pod = spec?.template.spec;
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      // Kubernetes would make variables named JUICE_API_PORT of the services' names.
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(pod?.containers).toHaveLength(1);
    expect(pod?.containers[0]).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      livenessProbe: { httpGet: { path: '/livez' } },
      readinessProbe: { httpGet: { path: '/readyz' } },
    });
  });

  test.each(deployments.map((each) => each.metadata?.name))('%s has a service, a budget and a policy', (name) => {
    const kinds = manifests.filter(({ metadata }) => metadata.name === name).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['Service', 'PodDisruptionBudget', 'NetworkPolicy']));
    // The number of schedulers is not a matter of load; that of the others is, and is left to the autoscaler.
    const scales = name !== 'juice-scheduler';
    expect(kinds.includes('HorizontalPodAutoscaler')).toBe(scales);
    const deployment = deployments.find(({ metadata }) => metadata?.name === name);
    expect(deployment?.spec?.replicas).toBe(scales ? undefined : 2);
  });
});

test("the samples' own label service stands: the rules go by it", () => {
  const monitors = monitoring.manifests.filter(({ kind }) => kind === 'ServiceMonitor');
  expect(monitors).toMatchObject([{ spec: { endpoints: [{ honorLabels: true }] } }]);
});

const [has, why] = kubectlVersion();
if (!has) {
  test.skip('the example overlay by kubectl: SKIPPED', () => undefined);
  console.warn(`SKIPPED the example overlay, which kubectl (1.21 and later) puts together: ${why}`);
} else {
  test('the example overlay comes together, and is valid', () => {
    const folder = mkdtempSync(join(tmpdir(), 'juice-kustomize-'));
    try {
      cpSync(join(root, 'deploy/kubernetes'), folder, { recursive: true });
      const example = join(folder, 'overlays/example');
      cpSync(join(example, 'secrets.example.env'), join(example, 'secrets.env'));
      const all = parseManifests(execFileSync('kubectl', ['kustomize', example], { encoding: 'utf8' }));
      expect(problemsOf(all)).toEqual([]);
      const text = JSON.stringify(all);
      for (const { metadata } of deployments)
        expect(text).toContain(`registry.example.com/${metadata?.name?.replace('-', '/')}:`);
      // Maps and secrets are referred to by their hashed names: a change rolls the pods.
      expect(text).not.toMatch(/"(configMapRef|secretKeyRef)":\{[^}]*"name":"juice(-[a-z]{3,9})?"/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** Older ones have a kustomize that knows no components. */
function kubectlVersion(): readonly [boolean, string] {
  try {
    const said = execFileSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8', stdio: 'pipe' });
    const { clientVersion } = JSON.parse(said) as { clientVersion: { major: string; minor: string } };
    const { major, minor } = clientVersion;
    return [Number(major) > 1 || Number.parseInt(minor) >= 21, `it is ${major}.${minor}`];
  } catch {
    return [false, 'there is none'];
  }
}
