import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { productVersion } from './product-version.ts';

test('the version is the manifest’s', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(productVersion).toBe(manifest.version);
});
