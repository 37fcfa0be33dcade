import { describe, expect, test } from '@jest/globals';
import request, { type Response } from 'supertest';
import { createApiFixture } from '../testing/api-fixture.ts';

const ours = 'https://app.example.com';

function ask(corsOrigins: readonly string[], origin: string) {
  const { app, tasks } = createApiFixture({ corsOrigins });
  const preflight = () =>
    request(app)
      .options('/v1/tasks')
      .set('Origin', origin)
      .set('Access-Control-Request-Method', 'POST')
      .set('Access-Control-Request-Headers', 'x-tenant-id,content-type,idempotency-key');
  const submit = () =>
    request(app)
      .post('/v1/tasks')
      .set('Origin', origin)
      .set('X-Tenant-Id', 't')
      .send({ taskName: 'a', commands: 'true' });
  return { tasks, preflight, submit };
}

function corsOf({ headers }: Pick<Response, 'headers'>): readonly string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control-'));
}

describe('calls from a page', () => {
  test('of nobody, as long as nobody is allowed', async () => {
    const { preflight, submit } = ask([], ours);
    expect(corsOf(await preflight().expect(405))).toEqual([]);
    expect(corsOf(await submit().expect(200))).toEqual([]);
  });

  test('of an origin that is allowed are announced, and answered with what the page may read', async () => {
    const { preflight, submit } = ask(['https://other.example.com', ours], ours);
    const announced = await preflight().expect(204);
    expect(announced.headers).toMatchObject({
      'access-control-allow-origin': ours,
      'access-control-allow-methods': 'GET,HEAD,POST,PUT,PATCH,DELETE',
      'access-control-allow-headers': 'x-tenant-id,content-type,idempotency-key',
      'access-control-max-age': '600',
      ...{ 'x-request-id': 'request-1', 'x-content-type-options': 'nosniff' },
      vary: expect.stringContaining('Origin'),
    });
    const { headers } = await submit().expect(200);
    expect(headers).toMatchObject({
      'access-control-allow-origin': ours,
      'access-control-expose-headers': expect.stringContaining('retry-after'),
    });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });

  test('of another origin are not let through to it', async () => {
    const { preflight } = ask([ours], 'https://evil.example.com');
    expect((await preflight()).headers).not.toHaveProperty('access-control-allow-origin');
    const lookalike = ask([ours], `${ours}.evil.com`);
    expect((await lookalike.submit()).headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('of any origin, when any is allowed', async () => {
    const { submit } = ask(['*'], 'https://whoever.example.com');
    await submit().expect(200).expect('access-control-allow-origin', '*');
  });
});
