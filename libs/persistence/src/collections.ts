import mongoose from 'mongoose';
import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt } from './mongo-failure.ts';
import type { TaskRecord } from './task-record.ts';

const { Schema } = mongoose;
const text = { type: String, required: true } as const;
const count = { type: Number, required: true } as const;

/**
 * The collections. Schemas are private to this library: they name the indexes and cast what is read and written through
 * mongoose; hot paths go past them, through the driver's handle.
 */
const taskSchema = new Schema(
  {
    _id: { type: Schema.Types.BigInt, required: true },
    tenantId: text,
    taskName: text,
    status: count,
    seq: count,
    epoch: count,
  },
  { collection: 'tasks', strict: false, versionKey: false },
)
  .index({ tenantId: 1, _id: -1 })
  .index({ tenantId: 1, status: 1, _id: -1 })
  .index({ status: 1, _id: 1 })
  .index({ idem: 1 }, { unique: true, sparse: true })
  .index({ idemAt: 1 }, { sparse: true })
  .index({ 'callback.dueAt': 1 }, { sparse: true })
  .index({ 'callback.aside': 1 }, { sparse: true })
  .index({ 'callback.group': 1 }, { sparse: true })
  .index({ 'callback.replay': 1 }, { sparse: true })
  .index({ killPendingAt: 1 }, { sparse: true })
  .index({ outboxAt: 1 }, { sparse: true })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

const callbackAttemptSchema = new Schema(
  {
    _id: text,
    taskId: { type: Schema.Types.BigInt, required: true },
    seq: count,
    purgeAt: { type: Date, required: true },
  },
  { collection: 'callback_attempts', strict: false, versionKey: false },
)
  .index({ taskId: 1, startedAt: -1, _id: -1 })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

const endpointSchema = new Schema(
  { _id: text, stamp: text, changedAt: { type: Date, required: true } },
  { collection: 'endpoints', strict: false, versionKey: false },
)
  .index({ changedAt: 1 })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

const replaySchema = new Schema(
  { _id: text, owner: { type: String, default: null }, state: text },
  { collection: 'replays', strict: false, versionKey: false },
)
  .index({ dueAt: 1 }, { sparse: true })
  .index({ owner: 1, _id: -1 })
  .index({ idem: 1 }, { unique: true, sparse: true })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

const callbackTestSchema = new Schema(
  { _id: text, tenantId: text },
  { collection: 'callback_tests', strict: false, versionKey: false },
)
  .index({ tenantId: 1, askedAt: 1 })
  .index({ openAt: 1 }, { sparse: true })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

const leaseSchema = new Schema(
  {
    _id: text,
    holder: { type: String, default: null },
    epoch: count,
    renewals: count,
    url: { type: String, default: null },
  },
  { collection: 'leases', versionKey: false },
);

const frameworkSchema = new Schema(
  { _id: text, frameworkId: { type: String, default: null }, epoch: count },
  { collection: 'frameworks', versionKey: false },
);

const quarantineSchema = new Schema(
  { _id: text, lastAt: { type: Date, required: true }, purgeAt: { type: Date, required: true } },
  { collection: 'quarantine', strict: false, versionKey: false },
)
  .index({ lastAt: -1 })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

const tenantSchema = new Schema(
  { _id: text, version: count },
  { collection: 'tenants', strict: false, versionKey: false },
);

const switchSchema = new Schema({ _id: text }, { collection: 'switches', strict: false, versionKey: false });

/** One that does not stop in order is forgotten five minutes after it was seen last. */
const processSchema = new Schema(
  { _id: text, seenAt: { type: Date, required: true } },
  { collection: 'processes', strict: false, versionKey: false },
).index({ seenAt: 1 }, { expireAfterSeconds: 300 });

const apiKeySchema = new Schema(
  { _id: text, tenantId: { type: String, default: null }, createdAt: { type: Date, required: true } },
  { collection: 'api_keys', strict: false, versionKey: false },
)
  .index({ tenantId: 1, createdAt: -1 })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

// The other ways to look for a record read the newest ones first until there are enough: there are thousands, not millions.
const auditSchema = new Schema(
  { _id: text, tenantId: { type: String, default: null }, purgeAt: { type: Date, required: true } },
  { collection: 'audit', strict: false, versionKey: false },
)
  .index({ tenantId: 1, _id: -1 })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

/** Also up to which place of the event log it is counted: that is nobody's. */
const usageSchema = new Schema(
  { _id: text, tenantId: { type: String }, purgeAt: { type: Date } },
  { collection: 'usage', strict: false, versionKey: false },
)
  .index({ tenantId: 1, _id: 1 })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

/** Also the log's head, at place 0, and seals: they are nobody's. */
const taskEventSchema = new Schema(
  {
    _id: { type: Schema.Types.BigInt, required: true },
    tenantId: { type: String },
    taskId: { type: Schema.Types.BigInt },
    purgeAt: { type: Date },
  },
  { collection: 'task_events', strict: false, versionKey: false },
)
  .index({ tenantId: 1, _id: 1 })
  .index({ taskId: 1, _id: 1 })
  .index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

/** One list: what ensureIndexes makes and what the stores use. */
const schemas = {
  Task: taskSchema,
  CallbackAttempt: callbackAttemptSchema,
  Endpoint: endpointSchema,
  Replay: replaySchema,
  CallbackTest: callbackTestSchema,
  Lease: leaseSchema,
  Framework: frameworkSchema,
  Quarantine: quarantineSchema,
  Tenant: tenantSchema,
  Switch: switchSchema,
  Process: processSchema,
  ApiKey: apiKeySchema,
  Audit: auditSchema,
  TaskEvent: taskEventSchema,
  Usage: usageSchema,
} as const;

type ModelName = keyof typeof schemas;

export function modelOf<N extends ModelName>(conn: MongoConnection, name: N) {
  return conn.connection.model(name, schemas[name]);
}

/** The tasks through the driver, without mongoose's casting. */
export function tasksOf(conn: MongoConnection): TaskCollection {
  return nativeDb(conn.connection).collection<TaskRecord>('tasks');
}

export type TaskCollection = mongoose.mongo.Collection<TaskRecord>;

/** Creates what is missing of the indexes; may be repeated, and run by several processes at once. Throws DependencyFailure. */
export async function ensureIndexes(conn: MongoConnection): Promise<void> {
  for (const [name, schema] of Object.entries(schemas)) {
    await attempt(`create indexes of ${name}`, () => conn.connection.model<unknown>(name, schema).createIndexes());
  }
}

export interface IndexFacts {
  /** `collection {"key":1}` of each that is not there; ensureIndexes makes it. */
  readonly missing: readonly string[];
  /** Of each that is there with other options: MongoDB refuses to make it anew, and so services do not start. */
  readonly different: readonly string[];
}

/** Compares the indexes with those that ensureIndexes makes; changes nothing. Throws DependencyFailure. */
export async function compareIndexes(conn: MongoConnection): Promise<IndexFacts> {
  const missing: string[] = [];
  const different: string[] = [];
  for (const schema of Object.values(schemas)) {
    const collection = String(schema.get('collection'));
    const present = await attempt(`list indexes of ${collection}`, () => listIndexes(conn, collection));
    for (const [keys, options] of schema.indexes()) {
      const name = JSON.stringify(keys);
      const found = present.find(({ key }) => JSON.stringify(key) === name);
      if (found === undefined) missing.push(`${collection} ${name}`);
      else if (optionsOf(found) !== optionsOf(options)) different.push(`${collection} ${name}`);
    }
  }
  return { missing, different };
}

/** None of a collection that is not there yet. */
async function listIndexes(conn: MongoConnection, collection: string): Promise<mongoose.mongo.IndexDescriptionInfo[]> {
  const db = nativeDb(conn.connection);
  const isThere = await db.listCollections({ name: collection }, { nameOnly: true }).hasNext();
  return isThere ? db.collection(collection).indexes() : [];
}

/** Those that the schemas use. */
function optionsOf(index: { unique?: unknown; sparse?: unknown; expireAfterSeconds?: unknown }): string {
  const { unique, sparse, expireAfterSeconds } = index;
  const seconds = expireAfterSeconds === undefined ? null : Number(expireAfterSeconds);
  return JSON.stringify([unique === true, sparse === true, seconds]);
}
