import type { TopologyFacts } from '@juice/messaging';
import type { IndexFacts, Lease, MongoFacts, SchemaFacts } from '@juice/persistence';
import { hideCredentials } from '@juice/runtime';
import { ok, skipped, warning, wrong, type Judgement } from './finding.ts';

/** Facts in, verdict out: nothing here asks anybody. */

export interface ClockFacts {
  /** By how much the other's clock is ahead of ours; negative: behind. */
  readonly aheadMs: number;
  readonly doubtMs: number;
}

/** Tasks expire, and callbacks are due, by the clocks of different machines: a second more or less is nothing to them. */
const clockWarningMs = 1_000;
/** Beyond that a task may expire before it is looked at, and receivers refuse signatures as too old. */
const clockWrongMs = 30_000;

export function judgeClock(whose: string, { aheadMs, doubtMs }: ClockFacts): Judgement {
  const side = aheadMs < 0 ? 'behind' : 'ahead of';
  const found = `${whose} clock is ${seconds(Math.abs(aheadMs))} ${side} this machine’s (± ${seconds(doubtMs)})`;
  const certainMs = Math.abs(aheadMs) - doubtMs;
  const advice = 'set the clocks of both machines by NTP';
  if (certainMs > clockWrongMs) return wrong(found, advice);
  return certainMs > clockWarningMs ? warning(found, advice) : ok(found);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

// ---- MongoDB ----------------------------------------------------------------------------------------------------

export function judgeMongoKind({ kind, setName, version, wireVersion }: MongoFacts): Judgement {
  const server = `MongoDB ${version} (wire version ${wireVersion})`;
  if (kind === 'replica-set') return ok(`${server}, replica set ${setName ?? ''}`);
  if (kind === 'sharded') return ok(`${server}, behind mongos`);
  return warning(
    `${server}, standalone: no majority over several machines holds what is written`,
    'use a replica set where a machine’s loss must not lose tasks',
  );
}

export function judgeSchema({ schema, oldestReader, known }: SchemaFacts): Judgement {
  if (oldestReader > known) {
    return wrong(
      `schema ${schema} needs a version of Juice that knows schema ${oldestReader}; this one knows ${known}, and does not start on it`,
      'use the newer version, or restore the backup made before the upgrade',
    );
  }
  if (schema === 0) return ok(`nothing is in it yet: schema ${known} is made when a service starts`);
  if (schema < known) return ok(`schema ${schema}; a service of this version migrates it to ${known} when it starts`);
  return schema > known
    ? ok(`schema ${schema}, of a newer version; this one knows ${known} and can use it`)
    : ok(`schema ${schema}`);
}

export function judgeIndexes({ missing, different }: IndexFacts, { schema }: SchemaFacts): Judgement {
  if (different.length > 0) {
    return wrong(
      `with other options than wanted: ${different.join(', ')}`,
      'drop them; services cannot make theirs, and do not start, until then',
    );
  }
  if (missing.length === 0) return ok('all are there');
  if (schema === 0) return ok('none yet: they are made when a service starts');
  return warning(
    `missing: ${missing.join(', ')}`,
    'restart a service, which makes them; on a large collection that takes its time',
  );
}

/** What became of the lease while it was looked at. */
export interface LeaseFacts {
  readonly lease: Lease | null;
  readonly isRenewed: boolean;
  readonly watchedMs: number;
  /** By JUICE_LEASE. */
  readonly renewedEveryMs: number;
}

export function judgeLease({ lease, isRenewed, watchedMs, renewedEveryMs }: LeaseFacts): Judgement {
  if (lease === null) return ok('no scheduler has led yet');
  if (lease.holder === null)
    return warning(`nobody leads: epoch ${lease.epoch} was given back`, 'start a scheduler: no task starts without');
  // Its URL holds the secret by which the api asks the leader.
  const at = lease.url === null ? '' : `, at ${hideCredentials(lease.url)}`;
  const leads = `${lease.holder} leads, epoch ${lease.epoch}${at}`;
  if (isRenewed) return ok(leads);
  if (watchedMs < renewedEveryMs)
    return ok(
      `${leads}; whether it is alive was not seen in ${seconds(watchedMs)}: it renews every ${seconds(renewedEveryMs)}`,
    );
  return warning(
    `${lease.holder} held the lead last, epoch ${lease.epoch}, and has not renewed it in ${seconds(watchedMs)}`,
    'look whether it runs and reaches MongoDB; a standby takes over after JUICE_LEASE',
  );
}

// ---- RabbitMQ ---------------------------------------------------------------------------------------------------

/** The first with delivery limits for quorum queues as they are declared here, and the oldest that is tested. */
const oldestRabbit = [3, 10] as const;

export function judgeBrokerVersion({ product, version }: { product: string; version: string }): Judgement {
  const found = `${product} ${version}`;
  if (product !== 'RabbitMQ')
    return warning(`${found} is no RabbitMQ`, 'use RabbitMQ 3.10 or later: nothing else is tested');
  return isAtLeast(version, oldestRabbit) ? ok(found) : wrong(`${found} is too old`, 'use RabbitMQ 3.10 or later');
}

export function judgeTopology({ present, missing, different }: TopologyFacts): Judgement {
  if (different.length > 0) {
    const [first] = different;
    return wrong(
      `with other properties than wanted: ${different.map(({ name }) => name).join(', ')} (${first?.detail ?? ''})`,
      'delete them; services cannot declare theirs, and do not connect, until then (what is lost with them the sweeps make good)',
    );
  }
  if (missing.length === 0) return ok(`all ${present.length} exchanges and queues are there`);
  return ok(`${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} made when a service starts`);
}

export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, ours, minors] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (ours === undefined || minors === undefined) return false;
  return Number(ours) > major || (Number(ours) === major && Number(minors) >= minor);
}

// ---- secrets ----------------------------------------------------------------------------------------------------

export function judgeCallbackSecret(secrets: string | undefined): Judgement {
  return secrets === undefined
    ? warning('JUICE_CALLBACK_SECRET is not set', 'set it where callback services run: they do not start without')
    : ok('JUICE_CALLBACK_SECRET is set');
}

export function judgeAdminKey(key: string | undefined): Judgement {
  return key === undefined
    ? skipped('JUICE_ADMIN_KEY is not set: needed only until there are admin keys in the database')
    : ok('JUICE_ADMIN_KEY is set; unset it once there are admin keys in the database');
}
