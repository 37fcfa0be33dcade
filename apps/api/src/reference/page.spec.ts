import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import request from 'supertest';
import { bounds, createApiFixture } from '../../testing/api-fixture.ts';
import { createDocument } from './document.ts';
import { writePage } from './page.ts';
import { routes } from './routes.ts';

test('the page has every route, and works by itself under its policy', async () => {
  const { app } = createApiFixture();
  const { text, headers } = await request(app)
    .get('/docs')
    .expect(200)
    .expect('content-type', /^text\/html/);
  for (const { method, path, id } of routes) {
    expect(text).toContain(`<h3 id="${id.toLowerCase()}">${method.toUpperCase()} ${path}</h3>`);
  }
  // Nothing is fetched and nothing runs: what would want to is not there.
  expect(text).not.toMatch(/<(script|link|img|iframe|object|form)\b|\son\w+=|\sstyle=|@import|url\(/i);
  const [, style = ''] = /<style>([^]*)<\/style>/.exec(text) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  expect(headers['content-security-policy']).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  for (const [, anchor = ''] of text.matchAll(/href="#([^"]*)"/g)) expect(text).toContain(`id="${anchor}"`);
});

test('the policy of other answers stays as it is', async () => {
  const { app } = createApiFixture();
  const { headers } = await request(app).get('/openapi.json').expect(200);
  expect(headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'");
});

test('what the document says is text to the page', () => {
  const document = createDocument(bounds);
  const page = writePage({ ...document, info: { description: '<script>alert(1)</script> `a<b`' } });
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; <code>a&lt;b</code>');
});
