import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { keepCallbackSecret } from './callback-secret.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'juice-secret-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a secret is made once and kept', async () => {
  const secret = await keepCallbackSecret(folder);
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(await keepCallbackSecret(folder)).toBe(secret);
  expect(await readdir(folder)).toEqual(['callback-secret']);
});

test('a file that holds no secret is named', async () => {
  await writeFile(join(folder, 'callback-secret'), '');
  await expect(keepCallbackSecret(folder)).rejects.toThrow(
    /JUICE_CALLBACK_SECRET: is not given, and .*callback-secret holds none/,
  );
});
