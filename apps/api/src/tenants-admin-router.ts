import { Router, type Response } from 'express';
import {
  rotateSecretRequest,
  tenantSettingsRequest,
  tenantsQuery,
  type CallbackSecretsAnswer,
  type TenantsAnswer,
} from '@juice/contracts';
import type { AdminDeps } from './admin-router.ts';
import { answering, answeringForTenant, type Outcome } from './answering.ts';
import { actorOf } from './caller.ts';
import type { KnownTenant } from './change-tenant.ts';
import { noQuery } from './no-query.ts';
import { readBodyAs, readIfMatch, readOptionalBodyAs, readQueryAs } from './read-admin-request.ts';
import { named, wrongMethod } from './tasks-router.ts';
import { viewSecrets, viewTenant } from './view-tenant.ts';

/** What is set for tenants, and their callback secrets: parse, call, respond. */
export function createTenantsAdminRouter(deps: AdminDeps): Router {
  const { gates, readBody, tenants, changeTenant, callbackSecrets, now } = deps;

  const list = answering(async (request) => {
    const query = readQueryAs(tenantsQuery, request.query);
    if (!query.ok) return query;
    const { cursor = null, limit } = query.value;
    const found = await tenants.tenantsAfter(cursor, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const answer: TenantsAnswer = {
      tenants: page.map((tenant) => viewTenant(tenant, now())),
      ...(found.length > limit && last !== undefined && { nextCursor: last.tenantId }),
    };
    return { ok: true, answer };
  });

  function tell(response: Response, tenant: KnownTenant): Outcome {
    response.setHeader('etag', `"${tenant.version}"`);
    return { ok: true, answer: viewTenant(tenant, now()) };
  }

  const show = answeringForTenant(async (tenantId, _request, response) =>
    tell(response, await tenants.loadTenant(tenantId)),
  );

  const save = (kind: 'replace' | 'merge') =>
    answeringForTenant(async (tenantId, request, response) => {
      const expected = readIfMatch(request.get('if-match'));
      if (!expected.ok) return expected;
      const body = readBodyAs(tenantSettingsRequest, request);
      if (!body.ok) return body;
      const change = { kind, request: body.value };
      const changed = await changeTenant(actorOf(request, response), tenantId, change, expected.value);
      return changed.ok ? tell(response, changed.answer) : changed;
    });

  const reset = answeringForTenant(async (tenantId, request, response) => {
    const expected = readIfMatch(request.get('if-match'));
    if (!expected.ok) return expected;
    // Nothing is set in which somebody else's change could get lost: without a version, whatever is there goes.
    const version = expected.value === 'first' ? 'any' : expected.value;
    const changed = await changeTenant(actorOf(request, response), tenantId, { kind: 'reset' }, version);
    return changed.ok ? tell(response, changed.answer) : changed;
  });

  function tellSecrets(tenant: KnownTenant): Outcome {
    const answer: CallbackSecretsAnswer = { callbackSecrets: viewSecrets(tenant, now()) };
    return { ok: true, answer };
  }

  const listSecrets = answeringForTenant(async (tenantId) => tellSecrets(await tenants.loadTenant(tenantId)));

  const createSecret = answeringForTenant(async (tenantId, request, response) => {
    const body = readOptionalBodyAs(rotateSecretRequest, request);
    return body.ok ? callbackSecrets.create(actorOf(request, response), tenantId, body.value) : body;
  });

  const removeSecret = answeringForTenant(async (tenantId, request, response) => {
    const secretId = String(request.params['secretId']);
    const removed = await callbackSecrets.remove(actorOf(request, response), tenantId, secretId);
    return removed.ok ? tellSecrets(removed.answer) : removed;
  });

  const router = Router();
  router
    .route('/v1/admin/tenants')
    .all(named('/v1/admin/tenants'))
    .get(gates.admin, list)
    .all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/admin/tenants/:tenantId')
    .all(named('/v1/admin/tenants/{tenantId}'))
    .get(gates.admin, noQuery, show)
    .put(gates.admin, noQuery, readBody, save('replace'))
    .patch(gates.admin, noQuery, readBody, save('merge'))
    .delete(gates.admin, noQuery, reset)
    .all(wrongMethod('GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'));
  router
    .route('/v1/admin/tenants/:tenantId/callback-secrets')
    .all(named('/v1/admin/tenants/{tenantId}/callback-secrets'))
    .get(gates.admin, noQuery, listSecrets)
    .post(gates.admin, noQuery, readBody, createSecret)
    .all(wrongMethod('GET', 'HEAD', 'POST'));
  router
    .route('/v1/admin/tenants/:tenantId/callback-secrets/:secretId')
    .all(named('/v1/admin/tenants/{tenantId}/callback-secrets/{secretId}'))
    .delete(gates.admin, noQuery, removeSecret)
    .all(wrongMethod('DELETE'));
  return router;
}
