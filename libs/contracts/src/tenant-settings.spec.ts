import { describe, expect, test } from '@jest/globals';
import { applySettings, defaultTenantSettings, tenantSettings, tenantSettingsRequest } from './tenant-settings.ts';

const changed = {
  name: 'Acme',
  weight: 2.5,
  quotas: { cpus: 10.5, memMb: 4096, gpus: 0, running: 5, waiting: 100, launchesPerSecond: 0.5 },
  requestsPerSecond: 20,
  burst: 40,
  callback: { events: 'terminal' as const, scheduleSeconds: [0, 60] },
  policy: ['privileged', 'host-volumes=/data'],
  suspended: true,
};

function reasons(body: unknown): string[] {
  const issues = tenantSettingsRequest.safeParse(body).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('applied to settings', () => {
  test('a whole request gives just what it says, whatever was there', () => {
    const request = tenantSettingsRequest.parse(changed);
    expect(applySettings(defaultTenantSettings, request)).toEqual(changed);
    expect(applySettings({ ...changed, weight: 7, policy: null }, request)).toEqual(changed);
    expect(tenantSettings.parse(changed)).toEqual(changed);
  });

  test('what is absent stays, at every level; what is null gets its default', () => {
    const some = tenantSettingsRequest.parse({
      weight: 3,
      quotas: { running: null, cpus: 1 },
      callback: { events: 'ALL' },
    });
    expect(applySettings(changed, some)).toEqual({
      ...changed,
      weight: 3,
      quotas: { ...changed.quotas, running: null, cpus: 1 },
      callback: { events: 'all', scheduleSeconds: [0, 60] },
    });
    const nulls = Object.fromEntries(Object.keys(defaultTenantSettings).map((member) => [member, null]));
    expect(applySettings(changed, tenantSettingsRequest.parse(nulls))).toEqual(defaultTenantSettings);
    expect(applySettings(changed, tenantSettingsRequest.parse({}))).toEqual(changed);
  });
});

test('what is answered beside the settings can be sent back, and does nothing', () => {
  const answer = { ...changed, tenantId: 'acme', version: 3, callbackSecrets: [], createdAt: 'x', updatedAt: 'y' };
  expect(tenantSettingsRequest.parse(answer)).toEqual(changed);
});

test.each<[object | null, string]>([
  [[], ': an object {name, weight,'],
  [{ wieght: 2 }, ': left out: the members here are name, weight,'],
  [{ quotas: { cpu: 2 } }, 'quotas: left out: the members here are cpus, memMb,'],
  [{ callback: { secrets: [] } }, 'callback: left out: the members here are events, scheduleSeconds'],
  [{ weight: 0 }, 'weight: a number from 0.001 to'],
  [{ weight: '2' }, 'weight: a number from'],
  [{ quotas: 5 }, 'quotas: an object {cpus,'],
  [{ quotas: { running: 1.5 } }, 'quotas.running: an integer from 0'],
  [{ quotas: { memMb: -1 } }, 'quotas.memMb: an integer from 0'],
  [{ burst: 0 }, 'burst: an integer from 1'],
  [{ callback: { events: 'some' } }, 'callback.events: one of all, terminal'],
  [{ callback: { scheduleSeconds: [] } }, 'callback.scheduleSeconds: a list of at least one delay'],
  [{ callback: { scheduleSeconds: [0, -1] } }, 'callback.scheduleSeconds.1: an integer from 0 to 604800'],
  [{ callback: { scheduleSeconds: Array(33).fill(1) } }, 'callback.scheduleSeconds: a list of at most 32'],
  [{ policy: 'all' }, 'policy: a list of at most 256'],
  [{ policy: [' '] }, 'policy.0: a word of JUICE_ALLOW'],
  [{ suspended: 'no' }, 'suspended: true or false'],
  [{ name: 'a\nb' }, 'name: a name of at most 200'],
])('%j is refused', (body, reason) => {
  expect(reasons(body)).toEqual([expect.stringContaining(reason)]);
});
