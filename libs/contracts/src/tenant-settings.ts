import { z } from 'zod';
import { closedObject, decimal, flag, integer, list, nonBlankLine, word } from './request-members.ts';

/**
 * What an operator sets for a tenant. Nothing has to be: a tenant that nobody configured has the defaults, and may submit
 * tasks all the same.
 */
const noLimit = 'null: no limit.';
const about = {
  name: 'For people.',
  weight: 'Its share of the cluster, in proportion to the weights of the others.',
  quotas: 'The most that a tenant may have at a time.',
  cpus: `CPUs of its running tasks together; ${noLimit}`,
  memMb: `MB of memory of its running tasks; ${noLimit}`,
  gpus: `GPUs of its running tasks; ${noLimit}`,
  running: `Tasks on the cluster at a time; ${noLimit}`,
  waiting: `Tasks waiting to be launched; ${noLimit}`,
  launchesPerSecond: `Attempts launched in a second; ${noLimit}`,
  requestsPerSecond: 'Requests to the API; null: the service’s default.',
  burst: 'Requests at once; null: the service’s default.',
  events: 'callbackEvents of its tasks that name none.',
  scheduleSeconds: 'The delay before each try of a callback; null: the service’s schedule.',
  policy:
    'What its tasks may do to the machines they run on: words of JUICE_ALLOW, in place of it; null: what it allows.',
  suspended: 'Its submissions are refused; its tasks go on.',
} as const;

const described = (member: keyof typeof about) => ({ description: about[member] });

const tenantQuotas = z
  .object({
    cpus: z.number().nullable().meta(described('cpus')),
    memMb: z.number().int().nullable().meta(described('memMb')),
    gpus: z.number().int().nullable().meta(described('gpus')),
    running: z.number().int().nullable().meta(described('running')),
    waiting: z.number().int().nullable().meta(described('waiting')),
    launchesPerSecond: z.number().nullable().meta(described('launchesPerSecond')),
  })
  .meta(described('quotas'));

export const tenantSettings = z.object({
  name: z.string().nullable().meta(described('name')),
  weight: z.number().meta(described('weight')),
  quotas: tenantQuotas,
  requestsPerSecond: z.number().nullable().meta(described('requestsPerSecond')),
  burst: z.number().int().nullable().meta(described('burst')),
  callback: z.object({
    events: z.enum(['all', 'terminal']).meta(described('events')),
    scheduleSeconds: z.array(z.number().int()).nullable().meta(described('scheduleSeconds')),
  }),
  policy: z.array(z.string()).nullable().meta(described('policy')),
  suspended: z.boolean().meta(described('suspended')),
});
export type TenantSettings = z.output<typeof tenantSettings>;

export const defaultTenantSettings: TenantSettings = {
  name: null,
  weight: 1,
  quotas: { cpus: null, memMb: null, gpus: null, running: null, waiting: null, launchesPerSecond: null },
  requestsPerSecond: null,
  burst: null,
  callback: { events: 'all', scheduleSeconds: null },
  policy: null,
  suspended: false,
};

// The upper bounds are beyond any cluster: they catch a unit mistaken for another, and keep sums exact.
const most = 1_000_000_000;
/** A try each hour over a day, with room to spare; a delay of a week is as long as anything is worth telling. */
const mostTries = 32;
const longestDelaySeconds = 7 * 86_400;

const schedule = list(
  integer(0, longestDelaySeconds),
  mostTries,
  `delays in seconds, each an integer from 0 to ${longestDelaySeconds}, and at least one`,
).refine((delays) => delays.length > 0, { error: 'a list of at least one delay in seconds' });

/**
 * The body of PUT and PATCH /v1/admin/tenants/{id}. A member that is null gets its default. One that is absent gets its
 * default in a PUT, and stays as it is in a PATCH (JSON merge patch). What GET answers beside the settings is ignored, so
 * that its answer can be edited and sent back; any other member is refused.
 */
export const tenantSettingsRequest = closedObject(
  {
    name: nonBlankLine('a name', 200).nullish().meta(described('name')),
    weight: decimal(0.001, most).nullish().meta(described('weight')),
    quotas: closedObject({
      cpus: decimal(0, most).nullish().meta(described('cpus')),
      memMb: integer(0, most).nullish().meta(described('memMb')),
      gpus: integer(0, most).nullish().meta(described('gpus')),
      running: integer(0, most).nullish().meta(described('running')),
      waiting: integer(0, most).nullish().meta(described('waiting')),
      launchesPerSecond: decimal(0, most).nullish().meta(described('launchesPerSecond')),
    })
      .nullish()
      .meta(described('quotas')),
    requestsPerSecond: decimal(0.001, most).nullish().meta(described('requestsPerSecond')),
    burst: integer(1, most).nullish().meta(described('burst')),
    callback: closedObject({
      events: word(['all', 'terminal']).nullish().meta(described('events')),
      scheduleSeconds: schedule.nullish().meta(described('scheduleSeconds')),
    }).nullish(),
    policy: list(nonBlankLine('a word of JUICE_ALLOW', 1024), 256, 'words of JUICE_ALLOW')
      .nullish()
      .meta(described('policy')),
    suspended: flag().nullish().meta(described('suspended')),
  },
  ['tenantId', 'callbackSecrets', 'version', 'createdAt', 'updatedAt'],
);
export type TenantSettingsRequest = z.output<typeof tenantSettingsRequest>;

/** The settings that a request makes of others: of the defaults for a PUT, of the present ones for a PATCH. */
export function applySettings(base: TenantSettings, change: TenantSettingsRequest): TenantSettings {
  const standard = defaultTenantSettings;
  return {
    name: choose(change.name, base.name, standard.name),
    weight: choose(change.weight, base.weight, standard.weight),
    quotas: applyMembers(base.quotas, change.quotas, standard.quotas),
    requestsPerSecond: choose(change.requestsPerSecond, base.requestsPerSecond, standard.requestsPerSecond),
    burst: choose(change.burst, base.burst, standard.burst),
    callback: applyMembers(base.callback, change.callback, standard.callback),
    policy: choose(change.policy, base.policy, standard.policy),
    suspended: choose(change.suspended, base.suspended, standard.suspended),
  };
}

type Change<T> = { readonly [K in keyof T]?: T[K] | null | undefined };

function applyMembers<T extends object>(base: T, change: Change<T> | null | undefined, standard: T): T {
  if (change === undefined) return base;
  if (change === null) return standard;
  const applied = { ...base };
  for (const member of Object.keys(standard) as (keyof T)[]) {
    applied[member] = choose<T[keyof T]>(change[member], base[member], standard[member]);
  }
  return applied;
}

function choose<T>(given: T | null | undefined, present: T, standard: T): T {
  return given === undefined ? present : (given ?? standard);
}
