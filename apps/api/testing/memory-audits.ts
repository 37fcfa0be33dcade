import { DependencyFailure } from '@juice/contracts';
import type { Audited, AuditStore } from '@juice/persistence';

/** The audit store in memory, with the promises of the real one. */
export interface MemoryAudits extends AuditStore {
  /** In the order in which they were begun. */
  readonly records: Audited[];
  /** Writes of this kind fail from now on; null: none do. */
  setFailing(writes: 'begin' | 'end' | null): void;
}

export function createMemoryAudits(): MemoryAudits {
  const records: Audited[] = [];
  let failing: 'begin' | 'end' | null = null;

  function reach(write: 'begin' | 'end'): void {
    if (failing !== write) return;
    const operation = `${write} audit`;
    throw new DependencyFailure({ dependency: 'mongodb', operation, retryable: true, detail: 'is down' });
  }

  return {
    records,
    async beginAudit({ atMs, ...intent }) {
      reach('begin');
      const auditId = `${String(atMs).padStart(15, '0')}-${String(records.length).padStart(4, '0')}`;
      records.push({ auditId, at: new Date(atMs), ...intent, outcome: 'begun' });
      return auditId;
    },
    async endAudit(auditId, outcome, detail) {
      reach('end');
      const place = records.findIndex((record) => record.auditId === auditId);
      const record = records[place];
      if (record !== undefined) records[place] = { ...record, outcome, detail: { ...record.detail, ...detail } };
    },
    async findAudits({ tenantId, actor, action, sinceMs = 0, before }, limit) {
      const fits = (record: Audited): boolean =>
        (tenantId === undefined || record.tenantId === tenantId) &&
        (actor === undefined || record.actor === actor) &&
        (action === undefined || record.action === action) &&
        (before === undefined || record.auditId < before) &&
        record.at.getTime() >= sinceMs;
      const sorted = records.toSorted((a, b) => (a.auditId < b.auditId ? 1 : -1));
      return sorted.filter(fits).slice(0, limit);
    },
    setFailing(writes) {
      failing = writes;
    },
  };
}
