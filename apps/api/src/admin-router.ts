import { Router, type RequestHandler } from 'express';
import { auditQuery } from '@juice/contracts';
import { answering } from './answering.ts';
import type { AskLeader } from './ask-leader.ts';
import type { ApiKeys } from './api-keys.ts';
import type { CallbackSecrets } from './callback-secrets.ts';
import type { ChangeTenant, KnownTenant } from './change-tenant.ts';
import { findAudits, type AuditFinder } from './find-audits.ts';
import type { Gates } from './gates.ts';
import { createKeysAdminRouter } from './keys-admin-router.ts';
import { noQuery } from './no-query.ts';
import type { ReadStatus } from './read-status.ts';
import { refuse } from './refusal.ts';
import { readQueryAs } from './read-admin-request.ts';
import { named, wrongMethod } from './tasks-router.ts';
import { createTenantsAdminRouter } from './tenants-admin-router.ts';

/** What the routes below /v1/admin call. */
export interface Administration {
  readonly tenants: {
    loadTenant(tenantId: string): Promise<KnownTenant>;
    /** In the order of ids, after one of them; null: from the first. */
    tenantsAfter(tenantId: string | null, limit: number): Promise<readonly KnownTenant[]>;
  };
  readonly audits: AuditFinder;
  readonly changeTenant: ChangeTenant;
  readonly callbackSecrets: CallbackSecrets;
  readonly apiKeys: ApiKeys;
  readonly now: () => number;
}

export interface AdminDeps extends Administration {
  readonly leader: Pick<AskLeader, 'survey'>;
  readonly readStatus: ReadStatus;
  readonly gates: Gates;
  readonly readBody: RequestHandler;
}

/** The routes of operators: every one behind the admins' gate, whatever tenants have to show. */
export function createAdminRouter(deps: AdminDeps): Router {
  const audit = answering(async (request) => {
    const query = readQueryAs(auditQuery, request.query);
    return query.ok ? { ok: true, answer: await findAudits(deps.audits, query.value) } : query;
  });

  const queue = answering(async () => {
    const survey = await deps.leader.survey();
    if (survey !== null) return { ok: true, answer: survey };
    const message = 'no scheduler leads at present, or it does not answer; try again';
    return refuse('unavailable', { member: 'scheduler', code: 'DATA_ACCESS', message });
  });

  const status = answering(async () => ({ ok: true, answer: await deps.readStatus() }));

  const router = Router();
  router.use(createTenantsAdminRouter(deps));
  router.use(createKeysAdminRouter(deps));
  router
    .route('/v1/admin/audit')
    .all(named('/v1/admin/audit'))
    .get(deps.gates.admin, audit)
    .all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/admin/queue')
    .all(named('/v1/admin/queue'))
    .get(deps.gates.admin, noQuery, queue)
    .all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/admin/status')
    .all(named('/v1/admin/status'))
    .get(deps.gates.admin, noQuery, status)
    .all(wrongMethod('GET', 'HEAD'));
  return router;
}
