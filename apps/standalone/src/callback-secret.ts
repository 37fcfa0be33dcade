import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The secret kept in the data folder, made (and readable by its owner alone) when there is none yet. */
export async function keepCallbackSecret(dataDir: string): Promise<string> {
  const file = join(dataDir, 'callback-secret');
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  try {
    // `wx`: of two that make one at a time, the first wins.
    await writeFile(file, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    return secret;
  } catch (error: unknown) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      return (await readFile(file, 'utf8')).trim();
    throw error;
  }
}
