import request, { type Test } from 'supertest';
import type { z } from 'zod';
import { failureAnswer, newKeyAnswer, successAnswer, type FailureAnswer, type NewKeyAnswer } from '@juice/contracts';
import { createApiFixture, type ApiFixture } from './api-fixture.ts';

export const adminKey = 'an-admin-key-of-thirty-two-characters';

type Method = 'get' | 'put' | 'patch' | 'post' | 'delete';

export interface AdminClient extends ApiFixture {
  /** A request of the operator who has JUICE_ADMIN_KEY. */
  admin(method: Method, path: string, body?: object): Test;
  /** The same with another key. */
  withKey(key: string, method: Method, path: string, body?: object): Test;
  /** Makes a key of a tenant, or (null) of an admin. */
  newKey(tenantId: string | null, body?: object): Promise<NewKeyAnswer>;
}

/** The app with an operator at it; tenants show keys, unless it is said otherwise. */
export function startAdmin(settings: Parameters<typeof createApiFixture>[0] = {}): AdminClient {
  const fixture = createApiFixture({ auth: 'api-key', adminKey, ...settings });

  function withKey(key: string, method: Method, path: string, body?: object): Test {
    const sent = request(fixture.app)[method](path).set('Authorization', `Bearer ${key}`);
    return body === undefined ? sent : sent.send(body);
  }

  const admin = (method: Method, path: string, body?: object): Test => withKey(adminKey, method, path, body);
  return {
    ...fixture,
    admin,
    withKey,
    async newKey(tenantId, body) {
      const path = tenantId === null ? '/v1/admin/admin-keys' : `/v1/admin/tenants/${tenantId}/keys`;
      return dataOf(newKeyAnswer, await admin('post', path, body).expect(200));
    },
  };
}

/** The data of a success, which has to be as its schema says, without a member more. */
export function dataOf<S extends z.ZodObject>(schema: S, response: { readonly body: unknown }): z.output<S> {
  const answer = successAnswer(schema.strict()).parse(response.body);
  return answer.data as z.output<S>;
}

export function failureOf(response: { readonly body: unknown }): FailureAnswer {
  return failureAnswer.parse(response.body);
}
