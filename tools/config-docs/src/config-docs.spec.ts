import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { writeConfigDocs } from './config-docs.ts';

const root = resolve(import.meta.dirname, '../../..');

test('the docs and the example environments are what the configuration schemas say', async () => {
  for (const [path, text] of await writeConfigDocs()) {
    const written = await readFile(resolve(root, path), 'utf8');
    // When this fails: npx nx run config-docs:write
    expect({ path, text: written }).toEqual({ path, text });
  }
});
