import { afterEach, describe, expect, test } from '@jest/globals';
import { startHealthServer, type Health, type HealthServer } from './health-server.ts';

describe('startHealthServer', () => {
  let server: HealthServer | undefined;
  afterEach(() => server?.close());

  async function start(readyz: () => Health | Promise<Health>): Promise<string> {
    server = await startHealthServer({
      host: '127.0.0.1',
      port: 0,
      livez: () => ({ ok: true }),
      readyz,
      metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' },
    });
    return server.url;
  }

  test('answers 200 with the check as JSON', async () => {
    const url = await start(() => ({ ok: true, checks: { mongodb: 'up' } }));
    const answer = await fetch(`${url}/readyz?verbose`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await answer.json()).toEqual({ ok: true, checks: { mongodb: 'up' } });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test('answers 503 when not ready, and when the check itself fails, without its words', async () => {
    const url = await start(() => ({ ok: false, checks: { mongodb: 'down' } }));
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await server?.close();
    const failing = await start(() => Promise.reject(new Error('mongodb://user:hunter2@db')));
    const answer = await fetch(`${failing}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('hunter2');
  });

  test('serves the metrics as they are', async () => {
    const url = await start(() => ({ ok: true }));
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await answer.text()).toBe('up 1\n');
  });

  test('answers anything else in JSON too', async () => {
    const url = await start(() => ({ ok: true }));
    const missing = await fetch(`${url}/nothing`);
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ ok: false });
    expect((await fetch(`${url}/livez`, { method: 'POST', body: 'x' })).status).toBe(405);
  });

  test('a port that is taken rejects', async () => {
    const url = await start(() => ({ ok: true }));
    const port = Number(new URL(url).port);
    const again = startHealthServer({
      host: '127.0.0.1',
      port,
      livez: () => ({ ok: true }),
      readyz: () => ({ ok: true }),
    });
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test.each([
    ['192.0.2.1', 0, /^Cannot listen on 192\.0\.2\.1:0: that is no address of this machine .* another THE_HOST/],
    ['2001:db8::1', 8081, /^Cannot listen on \[2001:db8::1\]:8081: .*THE_HOST/],
  ])('%s: what is wrong is told by the variable', async (host, port, words) => {
    const checks = { livez: () => ({ ok: true }), readyz: () => ({ ok: true }) };
    const starting = startHealthServer({ ...checks, host, port, variables: { host: 'THE_HOST', port: 'THE_PORT' } });
    await expect(starting).rejects.toMatchObject({ message: expect.stringMatching(words) });
  });
});
