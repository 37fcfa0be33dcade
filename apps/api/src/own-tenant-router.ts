import { Router, type RequestHandler } from 'express';
import { rotateSecretRequest, type RequestBounds } from '@juice/contracts';
import type { Administration } from './admin-router.ts';
import { answering } from './answering.ts';
import { actorOf, tenantOf } from './caller.ts';
import type { Gates } from './gates.ts';
import type { MachinePolicy } from './machine-policy.ts';
import { noQuery } from './no-query.ts';
import { readOptionalBodyAs } from './read-admin-request.ts';
import { refuse, type Refusal } from './refusal.ts';
import { named, wrongMethod } from './tasks-router.ts';
import { viewOwnTenant } from './view-tenant.ts';

/** What holds for every tenant that nothing else is set for. */
export interface OperatorRules {
  readonly policy: MachinePolicy;
  readonly limits: RequestBounds;
}

/** A tenant's own settings: to look at, and its callback secret to rotate. */
export function createOwnTenantRouter(deps: {
  gates: Gates;
  readBody: RequestHandler;
  administration: Pick<Administration, 'tenants' | 'callbackSecrets' | 'now'>;
  operator: OperatorRules;
}): Router {
  const { gates, readBody, operator } = deps;
  const { tenants, callbackSecrets, now } = deps.administration;

  const show = answering(async (_request, response) => {
    const tenant = await tenants.loadTenant(tenantOf(response).tenantId);
    return { ok: true, answer: viewOwnTenant(tenant, operator, now()) };
  });

  const createSecret = answering(async (request, response) => {
    const { tenantId, keyId } = tenantOf(response);
    if (keyId === null) return needsKey();
    const body = readOptionalBodyAs(rotateSecretRequest, request);
    return body.ok ? callbackSecrets.create(actorOf(request, response), tenantId, body.value) : body;
  });

  const router = Router();
  router.route('/v1/tenant').all(named('/v1/tenant')).get(gates.tenant, noQuery, show).all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/tenant/callback-secrets')
    .all(named('/v1/tenant/callback-secrets'))
    .post(gates.tenant, noQuery, readBody, createSecret)
    .all(wrongMethod('POST'));
  return router;
}

/** Whoever can send a header could otherwise take the callbacks of any tenant over. */
function needsKey(): Refusal {
  const message =
    'a tenant makes callback secrets for itself only where it shows a key (JUICE_AUTH=api-key); here an admin does, by POST /v1/admin/tenants/{tenantId}/callback-secrets';
  return refuse('forbidden', { member: 'X-Tenant-Id', code: 'NO_PERMISSION', message });
}
