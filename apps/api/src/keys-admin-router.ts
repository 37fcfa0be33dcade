import { Router, type Request } from 'express';
import { newKeyRequest, rotateKeyRequest, type KeysAnswer } from '@juice/contracts';
import type { AdminDeps } from './admin-router.ts';
import { answering, answeringForTenant, type Outcome } from './answering.ts';
import { actorOf, type Actor } from './caller.ts';
import { noQuery } from './no-query.ts';
import { readOptionalBodyAs } from './read-admin-request.ts';
import { named, wrongMethod } from './tasks-router.ts';

/** API keys of tenants (owner: the tenant) and of admins (owner: null): parse, call, respond. */
export function createKeysAdminRouter({ gates, readBody, apiKeys }: AdminDeps): Router {
  async function list(owner: string | null): Promise<Outcome> {
    const answer: KeysAnswer = { keys: [...(await apiKeys.list(owner))] };
    return { ok: true, answer };
  }

  async function create(owner: string | null, request: Request, actor: Actor): Promise<Outcome> {
    const body = readOptionalBodyAs(newKeyRequest, request);
    return body.ok ? apiKeys.create(actor, owner, body.value) : body;
  }

  async function rotate(owner: string | null, request: Request, actor: Actor): Promise<Outcome> {
    const body = readOptionalBodyAs(rotateKeyRequest, request);
    return body.ok ? apiKeys.rotate(actor, owner, String(request.params['keyId']), body.value) : body;
  }

  const revoke = (owners: 'tenants' | 'admins') =>
    answering((request, response) =>
      apiKeys.revoke(actorOf(request, response), owners, String(request.params['keyId'])),
    );

  const router = Router();
  router
    .route('/v1/admin/tenants/:tenantId/keys')
    .all(named('/v1/admin/tenants/{tenantId}/keys'))
    .get(
      gates.admin,
      noQuery,
      answeringForTenant((tenantId) => list(tenantId)),
    )
    .post(
      gates.admin,
      noQuery,
      readBody,
      answeringForTenant((tenantId, request, response) => create(tenantId, request, actorOf(request, response))),
    )
    .all(wrongMethod('GET', 'HEAD', 'POST'));
  router
    .route('/v1/admin/tenants/:tenantId/keys/:keyId/rotate')
    .all(named('/v1/admin/tenants/{tenantId}/keys/{keyId}/rotate'))
    .post(
      gates.admin,
      noQuery,
      readBody,
      answeringForTenant((tenantId, request, response) => rotate(tenantId, request, actorOf(request, response))),
    )
    .all(wrongMethod('POST'));
  router
    .route('/v1/admin/keys/:keyId')
    .all(named('/v1/admin/keys/{keyId}'))
    .delete(gates.admin, noQuery, revoke('tenants'))
    .all(wrongMethod('DELETE'));
  router
    .route('/v1/admin/admin-keys')
    .all(named('/v1/admin/admin-keys'))
    .get(
      gates.admin,
      noQuery,
      answering(() => list(null)),
    )
    .post(
      gates.admin,
      noQuery,
      readBody,
      answering((request, response) => create(null, request, actorOf(request, response))),
    )
    .all(wrongMethod('GET', 'HEAD', 'POST'));
  router
    .route('/v1/admin/admin-keys/:keyId')
    .all(named('/v1/admin/admin-keys/{keyId}'))
    .delete(gates.admin, noQuery, revoke('admins'))
    .all(wrongMethod('DELETE'));
  router
    .route('/v1/admin/admin-keys/:keyId/rotate')
    .all(named('/v1/admin/admin-keys/{keyId}/rotate'))
    .post(
      gates.admin,
      noQuery,
      readBody,
      answering((request, response) => rotate(null, request, actorOf(request, response))),
    )
    .all(wrongMethod('POST'));
  return router;
}
