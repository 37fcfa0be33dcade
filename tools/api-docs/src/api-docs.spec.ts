import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { writeApiDocs } from './api-docs.ts';

const root = resolve(import.meta.dirname, '../../..');

test('the reference in docs/ is what the list of routes says', async () => {
  for (const [path, text] of await writeApiDocs()) {
    const written = await readFile(resolve(root, path), 'utf8');
    // When this fails: npx nx run api-docs:write
    expect({ path, text: written }).toEqual({ path, text });
  }
});

test('links within the reference lead somewhere', async () => {
  const page = (await writeApiDocs()).get('docs/http-api-reference.md') ?? '';
  const headings = new Set([...page.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text.toLowerCase()));
  const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = '']) => anchor);
  expect(links.length).toBeGreaterThan(20);
  expect(links.filter((anchor) => !headings.has(anchor))).toEqual([]);
});
