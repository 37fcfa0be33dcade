import { describe, expect, test } from '@jest/globals';
import { auditQuery, newKeyRequest, rotateKeyRequest, rotateSecretRequest, tenantsQuery } from './admin-requests.ts';

/** The first thing that is wrong. */
function reason(name: keyof typeof schemas, given: unknown): string | undefined {
  return schemas[name].safeParse(given).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)[0];
}

const schemas = { newKeyRequest, rotateKeyRequest, rotateSecretRequest, tenantsQuery, auditQuery };

test('nothing has to be said: a day of overlap, a hundred at a time', () => {
  expect(newKeyRequest.parse({})).toEqual({});
  expect(rotateKeyRequest.parse({})).toEqual({ overlapSeconds: 86_400 });
  expect(rotateSecretRequest.parse({ overlapSeconds: null })).toEqual({ overlapSeconds: 86_400 });
  expect(rotateSecretRequest.parse({ overlapSeconds: 0 })).toEqual({ overlapSeconds: 0 });
  expect(tenantsQuery.parse({})).toEqual({ limit: 100 });
  expect(auditQuery.parse({ limit: '7', since: '2026-01-31T08:00+08:00' })).toEqual({
    limit: 7,
    since: '2026-01-31T08:00+08:00',
  });
});

describe('bad input', () => {
  test.each<[keyof typeof schemas, object, string]>([
    ['newKeyRequest', { expiresInSeconds: 59 }, 'expiresInSeconds: an integer from 60 to'],
    ['newKeyRequest', { expires: 60 }, ': left out: the members here are name, expiresInSeconds'],
    ['newKeyRequest', { name: '' }, 'name: a name'],
    ['rotateKeyRequest', { overlapSeconds: 604_801 }, 'overlapSeconds: an integer from 0 to 604800'],
    ['rotateSecretRequest', { overlapSeconds: '1d' }, 'overlapSeconds: an integer'],
    ['rotateSecretRequest', { secret: 'whsec_x' }, ': left out'],
    ['tenantsQuery', { cursor: 'a b' }, 'cursor: nextCursor of the page before'],
    ['auditQuery', { limit: '0' }, 'limit: an integer from 1 to 1000'],
    ['auditQuery', { limit: '1e2' }, 'limit: an integer'],
    ['auditQuery', { limit: ['1', '2'] }, 'limit: an integer'],
    ['auditQuery', { since: 'yesterday' }, 'since: an instant, such as'],
    ['auditQuery', { since: '2026-13-01T00:00:00Z' }, 'since: an instant'],
    ['auditQuery', { since: '2026-01-31T00:00:00' }, 'since: an instant'],
    ['auditQuery', { action: 'tenant.deleted' }, 'action: one of tenant.changed,'],
    ['auditQuery', { tenant: '-' }, 'tenant: 1 to 64 letters'],
    ['auditQuery', { cursor: '../x' }, 'cursor: nextCursor of the page before'],
    ['auditQuery', { cursor: 'zz' }, 'cursor: nextCursor of the page before'],
    ['auditQuery', { user: 'x' }, ': left out: the members here are tenant, actor'],
  ])('%s: %j', (schema, given, expected) => {
    expect(reason(schema, given)).toContain(expected);
  });
});
