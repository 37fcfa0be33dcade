import { expect, test } from '@jest/globals';
import { defaultTenantSettings } from '@juice/contracts';
import { noLimits, type Event } from '@juice/scheduling';
import { createTenantLimits, limitsOf, type StoredTenant } from './tenant-limits.ts';

const defaults = { ...noLimits, cpuMillis: 4_000, running: 10 };
const { quotas } = defaultTenantSettings;

test('what is set for a tenant goes before the operator’s defaults; a zero is a limit too', () => {
  expect(limitsOf(defaultTenantSettings, defaults)).toEqual(defaults);
  const set = { weight: 2.5, quotas: { ...quotas, cpus: 1.5, memMb: 0, running: 0, launchesPerSecond: 0.5 } };
  expect(limitsOf(set, defaults)).toEqual({
    weight: 2.5,
    cpuMillis: 1_500,
    memMb: 0,
    gpus: null,
    running: 0,
    launchesPerSecond: 0.5,
  });
});

test('all are told page by page, a changed one by itself', async () => {
  const told: Event[] = [];
  const of = (tenantId: string, weight: number): StoredTenant => ({ tenantId, settings: { weight, quotas } });
  const limits = createTenantLimits({
    store: {
      loadTenant: async (tenantId) => of(tenantId, 7),
      async *loadTenants() {
        yield [of('a', 1), of('b', 2)];
        yield [of('c', 3)];
      },
    },
    defaults,
    push: (event) => void told.push(event),
    now: () => 5,
  });
  await limits.readAll();
  await limits.read(['b']);
  const weights = told.map((event) =>
    event.kind === 'tenants.configured' ? event.tenants.map((one) => [one.tenantId, one.limits?.weight]) : [],
  );
  expect(weights).toEqual([
    [
      ['a', 1],
      ['b', 2],
    ],
    [['c', 3]],
    [['b', 7]],
  ]);
});
