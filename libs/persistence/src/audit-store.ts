import { randomUUID } from 'node:crypto';
import type { AuditAction, RetentionOptions } from '@juice/contracts';
import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt } from './mongo-failure.ts';
import { retentionOf } from './retention.ts';

/** Who is about to do what. */
export interface AuditIntent {
  readonly atMs: number;
  /** The id of the key that asked, or `bootstrap`. */
  readonly actor: string;
  readonly action: AuditAction;
  /** The tenant it is about; null: none. */
  readonly tenantId: string | null;
  readonly target: string;
  /** Without secrets. */
  readonly detail: Readonly<Record<string, unknown>>;
  readonly requestId: string;
  readonly remoteAddress: string | null;
}

export interface Audited extends Omit<AuditIntent, 'atMs'> {
  readonly auditId: string;
  readonly at: Date;
  /** `begun`: whether it was done is not known. */
  readonly outcome: 'begun' | 'done' | 'refused';
}

/** What is given must all hold. */
export interface AuditFilter {
  readonly tenantId?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: AuditAction | undefined;
  /** At this instant or later. */
  readonly sinceMs?: number | undefined;
  /** Older than this record, by its id. */
  readonly before?: string | undefined;
}

/**
 * The audit trail of what admins do. The intent is stored before the action is begun and its outcome after, so that nothing
 * is done unseen: a record whose outcome is missing tells of an action that may or may not have been done.
 *
 * Every method throws DependencyFailure when MongoDB cannot be reached.
 */
export interface AuditStore {
  /** Resolves with the record's id when a majority has it. */
  beginAudit(intent: AuditIntent): Promise<string>;
  /** Adds the outcome, and what there is to say of it. */
  endAudit(auditId: string, outcome: 'done' | 'refused', detail: Readonly<Record<string, unknown>>): Promise<void>;
  /** The newest first. */
  findAudits(filter: AuditFilter, limit: number): Promise<readonly Audited[]>;
}

interface AuditDocument extends Omit<Audited, 'auditId'> {
  /** `<ms since the epoch, 15 digits>-<random>`: in the order of time, and cut by it. */
  readonly _id: string;
  readonly purgeAt: Date;
}

export function createAuditStore(conn: MongoConnection, options: RetentionOptions = {}): AuditStore {
  const retentionMs = retentionOf('auditRetentionMs', options);
  const audits = nativeDb(conn.connection).collection<AuditDocument>('audit');
  return {
    beginAudit: ({ atMs, ...intent }) =>
      attempt('begin audit', async () => {
        const auditId = `${timePart(atMs)}-${randomUUID()}`;
        const purgeAt = new Date(atMs + retentionMs);
        await audits.insertOne({ _id: auditId, at: new Date(atMs), ...intent, outcome: 'begun', purgeAt });
        return auditId;
      }),
    endAudit: (auditId, outcome, detail) =>
      attempt('end audit', async () => {
        const added = Object.entries(detail).map(([name, value]) => [`detail.${name}`, value] as const);
        await audits.updateOne({ _id: auditId }, { $set: { outcome, ...Object.fromEntries(added) } });
      }),
    findAudits: ({ tenantId, actor, action, sinceMs, before }, limit) =>
      attempt('find audits', async () => {
        const range = {
          ...(sinceMs !== undefined && { $gte: timePart(sinceMs) }),
          ...(before !== undefined && { $lt: before }),
        };
        const found = await audits
          .find(
            {
              ...(Object.keys(range).length > 0 && { _id: range }),
              ...(tenantId !== undefined && { tenantId }),
              ...(actor !== undefined && { actor }),
              ...(action !== undefined && { action }),
            },
            { projection: { purgeAt: 0 }, sort: { _id: -1 }, limit },
          )
          .toArray();
        return found.map(({ _id, ...record }) => ({ auditId: _id, ...record }));
      }),
  };
}

function timePart(atMs: number): string {
  return String(Math.max(0, atMs)).padStart(15, '0');
}
