import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AuditFilter, AuditIntent, AuditStore } from '../src/index.ts';

export interface MadeAuditStore {
  readonly audits: AuditStore;
  close(): Promise<void>;
}

const atMs = Date.UTC(2026, 0, 31);
const intent: AuditIntent = {
  atMs,
  actor: 'bootstrap',
  action: 'tenant.changed',
  tenantId: 'acme',
  target: 'acme',
  detail: { given: { weight: 2, quotas: { running: null } } },
  requestId: 'request-1',
  remoteAddress: '127.0.0.1',
};

/** What a store of the audit trail must do. `make` gives an empty one. */
export function auditStoreContract(make: () => Promise<MadeAuditStore>): void {
  describe('an audit store', () => {
    let made: MadeAuditStore;
    let audits: AuditStore;
    beforeEach(async () => {
      made = await make();
      audits = made.audits;
    });
    afterEach(() => made.close());

    test('an intent is kept as begun until its outcome is told', async () => {
      const auditId = await audits.beginAudit(intent);
      const { atMs: _, ...facts } = intent;
      const begun = { auditId, at: new Date(atMs), ...facts, outcome: 'begun' };
      expect(await audits.findAudits({}, 10)).toEqual([begun]);
      await audits.endAudit(auditId, 'done', { version: 3 });
      const done = { ...begun, outcome: 'done', detail: { ...intent.detail, version: 3 } };
      expect(await audits.findAudits({}, 10)).toEqual([done]);
    });

    test('a refusal is an outcome too, and what is null stays so', async () => {
      const auditId = await audits.beginAudit({ ...intent, tenantId: null, remoteAddress: null, detail: {} });
      await audits.endAudit(auditId, 'refused', {});
      expect(await audits.findAudits({}, 10)).toMatchObject([
        { tenantId: null, remoteAddress: null, outcome: 'refused', detail: {} },
      ]);
    });

    test('records are found by what they are about, the newest first, page by page', async () => {
      const add = (after: number, given: Partial<AuditIntent>) =>
        audits.beginAudit({ ...intent, ...given, atMs: atMs + after });
      const first = await add(1, {});
      const third = await add(3, { actor: 'k1', action: 'key.created', target: 'k2' });
      const second = await add(2, { tenantId: 'other', actor: 'k1' });
      const fourth = await add(4, { tenantId: null, action: 'key.created' });
      const ids = async (filter: AuditFilter, limit = 10) =>
        (await audits.findAudits(filter, limit)).map(({ auditId }) => auditId);
      expect(await ids({})).toEqual([fourth, third, second, first]);
      expect(await ids({}, 2)).toEqual([fourth, third]);
      expect(await ids({ before: third }, 2)).toEqual([second, first]);
      expect(await ids({ sinceMs: atMs + 3 })).toEqual([fourth, third]);
      expect(await ids({ sinceMs: atMs + 2, before: third })).toEqual([second]);
      expect(await ids({ tenantId: 'acme' })).toEqual([third, first]);
      expect(await ids({ actor: 'k1' })).toEqual([third, second]);
      expect(await ids({ action: 'key.created', actor: 'bootstrap' })).toEqual([fourth]);
      expect(await ids({ tenantId: 'nobody' })).toEqual([]);
    });
  });
}
