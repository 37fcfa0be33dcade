import { defaultTenantSettings, type TenantSettings } from '@juice/contracts';
import type mongoose from 'mongoose';
import { nativeDb, type MongoConnection } from './connection.ts';
import { gather } from './gather.ts';
import { attempt, isDuplicateKey } from './mongo-failure.ts';

/** What is told of a callback secret; the secret itself is read by `signingOf` alone. */
export interface CallbackSecretFacts {
  readonly secretId: string;
  readonly createdAt: Date;
  /** Until when it signs beside the current one; null: it is the current one. */
  readonly expiresAt: Date | null;
}

export interface CallbackSecret extends CallbackSecretFacts {
  /** `whsec_` and base64: what signs must be known, so it is kept as it is. */
  readonly secret: string;
}

/** What signs a tenant's callbacks. */
export interface Signing {
  /** The current one first; none: the operator's own secret signs alone. */
  readonly secrets: readonly CallbackSecret[];
  /** Until when the operator's own signs too, after the tenant's first one was made; null: not (any more). */
  readonly operatorUntil: Date | null;
}

export interface CallbackRules {
  /** The delay before each try; null: the service's. */
  readonly scheduleSeconds: readonly number[] | null;
  readonly signing: Signing;
}

export interface Tenant {
  readonly tenantId: string;
  readonly settings: TenantSettings;
  readonly callbackSecrets: readonly CallbackSecretFacts[];
  /** Moved by every change of settings or secrets; 0: there was never any. */
  readonly version: number;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

/** A change applies only to the version that was seen: of two at once, one has to look again. */
export interface SeenVersion {
  readonly tenantId: string;
  readonly version: number;
}

/**
 * What is set for tenants. One document each, from the first change on; before that, and after a reset, a tenant has the
 * defaults. A reset leaves the document behind, so that no version is ever met twice.
 *
 * Every method throws DependencyFailure when MongoDB cannot be reached. A change that was in doubt and is repeated gives
 * null when it had applied: look again.
 */
export interface TenantStore {
  /** The defaults for one that was never configured. */
  loadTenant(tenantId: string): Promise<Tenant>;
  /** Tenants with settings or secrets of their own, in the order of ids, after one of them (null: from the first). */
  tenantsAfter(tenantId: string | null, limit: number): Promise<readonly Tenant[]>;
  /** All of them, page by page; what is changed meanwhile may be left out. */
  loadTenants(batchSize: number): AsyncIterable<readonly Tenant[]>;
  /** Expired secrets among them are left to the caller, whose clock decides. */
  signingOf(tenantId: string): Promise<Signing>;
  /** What its callbacks go by. Questions asked at once share a round trip. */
  callbackRulesOf(tenantId: string): Promise<CallbackRules>;
  /** The tenant as it is then; null when it had been changed since it was seen. Settings null: back to the defaults. */
  saveSettings(seen: SeenVersion, settings: TenantSettings | null, atMs: number): Promise<Tenant | null>;
  /** As saveSettings. */
  saveSigning(seen: SeenVersion, signing: Signing, atMs: number): Promise<Tenant | null>;
}

interface TenantDocument {
  readonly _id: string;
  /** Absent: the defaults. */
  readonly settings?: Partial<TenantSettings>;
  /** Absent: none. */
  readonly secrets?: readonly CallbackSecret[];
  readonly operatorUntil?: Date;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

type TenantCollection = mongoose.mongo.Collection<TenantDocument>;
type TenantUpdate = mongoose.mongo.UpdateFilter<TenantDocument>;

/** In one round trip. */
const rulesAtOnce = 500;

const withoutSecrets = { 'secrets.secret': 0 } as const;

export function createTenantStore(conn: MongoConnection): TenantStore {
  const tenants = nativeDb(conn.connection).collection<TenantDocument>('tenants');

  const loadRules = gather<string, CallbackRules>(rulesAtOnce, async (tenantIds) => {
    const found = await tenants
      .find({ _id: { $in: [...tenantIds] } }, { projection: { secrets: 1, operatorUntil: 1, 'settings.callback': 1 } })
      .toArray();
    const rules = new Map(found.map((document) => [document._id, readRules(document)]));
    return (tenantId) => rules.get(tenantId) ?? readRules(null);
  });

  const tenantsAfter: TenantStore['tenantsAfter'] = (tenantId, limit) =>
    attempt('list tenants', async () => {
      const isConfigured = { $or: [{ settings: { $exists: true } }, { secrets: { $exists: true } }] };
      const found = tenants.find(
        { _id: { $gt: tenantId ?? '' }, ...isConfigured },
        { projection: withoutSecrets, sort: { _id: 1 }, limit },
      );
      return (await found.toArray()).map((document) => readTenant(document._id, document));
    });

  return {
    loadTenant: (tenantId) =>
      attempt('load tenant', async () =>
        readTenant(tenantId, await tenants.findOne({ _id: tenantId }, { projection: withoutSecrets })),
      ),
    tenantsAfter,
    async *loadTenants(batchSize) {
      for (let last: string | null = null; ;) {
        const page = await tenantsAfter(last, batchSize);
        if (page.length > 0) yield page;
        if (page.length < batchSize) return;
        last = page.at(-1)?.tenantId ?? null;
      }
    },
    signingOf: (tenantId) =>
      attempt('load callback secrets', async () => {
        const found = await tenants.findOne({ _id: tenantId }, { projection: { secrets: 1, operatorUntil: 1 } });
        return readSigning(found);
      }),
    callbackRulesOf: (tenantId) => attempt('load callback rules', () => loadRules(tenantId)),
    saveSettings: (seen, settings, atMs) =>
      attempt('save tenant', () => {
        const update: TenantUpdate = settings === null ? { $unset: { settings: '' } } : { $set: { settings } };
        return change(tenants, seen, update, atMs);
      }),
    saveSigning: (seen, { secrets, operatorUntil }, atMs) =>
      attempt('save callback secrets', () =>
        change(
          tenants,
          seen,
          {
            $set: { ...(secrets.length > 0 && { secrets }), ...(operatorUntil !== null && { operatorUntil }) },
            $unset: {
              ...(secrets.length === 0 && { secrets: '' as const }),
              ...(operatorUntil === null && { operatorUntil: '' as const }),
            },
          },
          atMs,
        ),
      ),
  };
}

/** One guarded write. The first change of all makes the document, unless somebody else's has: then the id is taken. */
async function change(
  tenants: TenantCollection,
  { tenantId, version }: SeenVersion,
  { $set, $unset }: TenantUpdate,
  atMs: number,
): Promise<Tenant | null> {
  const at = new Date(atMs);
  const update = {
    $set: { ...$set, version: version + 1, updatedAt: at },
    $setOnInsert: { createdAt: at },
    ...($unset !== undefined && Object.keys($unset).length > 0 && { $unset }),
  } as TenantUpdate;
  try {
    const changed = await tenants.findOneAndUpdate({ _id: tenantId, version }, update, {
      upsert: version === 0,
      returnDocument: 'after',
      projection: withoutSecrets,
    });
    return changed === null ? null : readTenant(tenantId, changed);
  } catch (error: unknown) {
    if (isDuplicateKey(error)) return null;
    throw error;
  }
}

function readTenant(tenantId: string, found: TenantDocument | null): Tenant {
  return {
    tenantId,
    settings: readSettings(found?.settings ?? {}),
    callbackSecrets: (found?.secrets ?? []).map(({ secretId, createdAt, expiresAt }) => ({
      secretId,
      createdAt,
      expiresAt,
    })),
    version: found?.version ?? 0,
    createdAt: found?.createdAt ?? null,
    updatedAt: found?.updatedAt ?? null,
  };
}

function readSigning(found: Pick<TenantDocument, 'secrets' | 'operatorUntil'> | null): Signing {
  return { secrets: found?.secrets ?? [], operatorUntil: found?.operatorUntil ?? null };
}

function readRules(found: TenantDocument | null): CallbackRules {
  return {
    scheduleSeconds: readSettings(found?.settings ?? {}).callback.scheduleSeconds,
    signing: readSigning(found),
  };
}

/** Settings that came later than the document have their defaults. */
function readSettings(stored: Partial<TenantSettings>): TenantSettings {
  const { quotas, callback } = defaultTenantSettings;
  return {
    ...defaultTenantSettings,
    ...stored,
    quotas: { ...quotas, ...stored.quotas },
    callback: { ...callback, ...stored.callback },
  };
}
