import type { AuditAction, AuditAnswer, AuditQuery, AuditRecord } from '@juice/contracts';

/** A record of the audit trail as the store has it. */
export interface FoundAudit {
  readonly auditId: string;
  readonly at: Date;
  readonly actor: string;
  readonly action: AuditAction;
  readonly tenantId: string | null;
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly outcome: 'begun' | 'done' | 'refused';
  readonly requestId: string;
  readonly remoteAddress: string | null;
}

/** The part of the audit store that finding needs. */
export interface AuditFinder {
  /** The newest first. */
  findAudits(
    filter: {
      readonly tenantId?: string | undefined;
      readonly actor?: string | undefined;
      readonly action?: AuditAction | undefined;
      readonly sinceMs?: number | undefined;
      /** Older than this record. */
      readonly before?: string | undefined;
    },
    limit: number,
  ): Promise<readonly FoundAudit[]>;
}

/** One page of the trail: one record more than that is looked for, to know whether there is a next page. */
export async function findAudits(audits: AuditFinder, query: AuditQuery): Promise<AuditAnswer> {
  const { tenant, actor, action, since, cursor, limit } = query;
  const sinceMs = since === undefined ? undefined : Date.parse(since);
  const found = await audits.findAudits({ tenantId: tenant, actor, action, sinceMs, before: cursor }, limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    records: page.map(viewAudit),
    ...(found.length > limit && last !== undefined && { nextCursor: last.auditId }),
  };
}

function viewAudit({ at, tenantId, remoteAddress, detail, ...facts }: FoundAudit): AuditRecord {
  return {
    ...{ auditId: facts.auditId, at: at.toISOString(), actor: facts.actor, action: facts.action },
    ...(tenantId !== null && { tenantId }),
    ...{ target: facts.target, detail, outcome: facts.outcome, requestId: facts.requestId },
    ...(remoteAddress !== null && { remoteAddress }),
  };
}
