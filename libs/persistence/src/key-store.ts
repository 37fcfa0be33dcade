import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt } from './mongo-failure.ts';

/** An API key, without its secret: that is nowhere but with its holder. */
export interface ApiKey {
  /** The public part. */
  readonly keyId: string;
  /** Whose requests it makes; null: an admin key. */
  readonly tenantId: string | null;
  /** SHA-256 of the secret part, in hex. */
  readonly hash: string;
  readonly name: string | null;
  readonly createdAt: Date;
  /** The id of the key that made it, or `bootstrap`. */
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export type NewKey = Omit<ApiKey, 'revokedAt' | 'lastUsedAt'>;

/** Every method throws DependencyFailure when MongoDB cannot be reached; all but `addKey` may then be repeated. */
export interface KeyStore {
  addKey(key: NewKey): Promise<void>;
  findKey(keyId: string): Promise<ApiKey | null>;
  /** Keys of a tenant, or (null) admin keys, the newest first; the revoked and expired among them until they are purged. */
  keysOf(tenantId: string | null, limit: number): Promise<readonly ApiKey[]>;
  /** Whether there is an admin key that works at this instant. */
  hasAdminKey(atMs: number): Promise<boolean>;
  /** From now on it does not work; the first revocation counts. null: there is no such key. */
  revokeKey(keyId: string, atMs: number): Promise<ApiKey | null>;
  /** It works until this instant at the latest. null: there is no such key. */
  expireKey(keyId: string, atMs: number): Promise<ApiKey | null>;
  /** Notes a use; an earlier one changes nothing. */
  touchKey(keyId: string, atMs: number): Promise<void>;
}

interface KeyDocument {
  readonly _id: string;
  readonly tenantId: string | null;
  readonly hash: string;
  readonly name: string | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt?: Date;
  readonly revokedAt?: Date;
  readonly lastUsedAt?: Date;
  readonly purgeAt?: Date;
}

/** A key that works no more is listed for so long, for whoever asks what it was; the audit trail remembers longer. */
const retentionMs = 90 * 86_400_000;

export function createKeyStore(conn: MongoConnection): KeyStore {
  const keys = nativeDb(conn.connection).collection<KeyDocument>('api_keys');
  const purge = (endMs: number): Date => new Date(endMs + retentionMs);

  return {
    addKey: ({ keyId, expiresAt, ...facts }) =>
      attempt('add key', async () => {
        const ending = expiresAt === null ? {} : { expiresAt, purgeAt: purge(expiresAt.getTime()) };
        await keys.insertOne({ _id: keyId, ...facts, ...ending });
      }),
    findKey: (keyId) => attempt('find key', async () => readKey(await keys.findOne({ _id: keyId }))),
    keysOf: (tenantId, limit) =>
      attempt('list keys', async () => {
        const found = await keys.find({ tenantId }, { sort: { createdAt: -1, _id: -1 }, limit }).toArray();
        return found.map(asKey);
      }),
    hasAdminKey: (atMs) =>
      attempt('find admin key', async () => {
        const lives = { $or: [{ expiresAt: { $exists: false } }, { expiresAt: { $gt: new Date(atMs) } }] };
        const found = await keys.findOne(
          { tenantId: null, revokedAt: { $exists: false }, ...lives },
          { projection: { _id: 1 } },
        );
        return found !== null;
      }),
    revokeKey: (keyId, atMs) =>
      attempt('revoke key', async () => {
        // $min: what was revoked or purged earlier stays so.
        const update = { $min: { revokedAt: new Date(atMs), purgeAt: purge(atMs) } };
        return readKey(await keys.findOneAndUpdate({ _id: keyId }, update, { returnDocument: 'after' }));
      }),
    expireKey: (keyId, atMs) =>
      attempt('expire key', async () => {
        const update = { $min: { expiresAt: new Date(atMs), purgeAt: purge(atMs) } };
        return readKey(await keys.findOneAndUpdate({ _id: keyId }, update, { returnDocument: 'after' }));
      }),
    touchKey: (keyId, atMs) =>
      attempt('touch key', async () => {
        // Nothing is decided by it: not worth a wait for the majority.
        await keys.updateOne({ _id: keyId }, { $max: { lastUsedAt: new Date(atMs) } }, { writeConcern: { w: 1 } });
      }),
  };
}

function readKey(found: KeyDocument | null): ApiKey | null {
  return found === null ? null : asKey(found);
}

function asKey({ _id, tenantId, hash, name, createdAt, createdBy, ...ends }: KeyDocument): ApiKey {
  const { expiresAt = null, revokedAt = null, lastUsedAt = null } = ends;
  return { keyId: _id, tenantId, hash, name, createdAt, createdBy, expiresAt, revokedAt, lastUsedAt };
}
