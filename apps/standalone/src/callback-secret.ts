import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callbackConfigSchema } from '@juice/callback';
import { ConfigProblems } from '@juice/runtime';

/**
 * The secret kept in the data folder, made (and readable by its owner alone) when there is none yet. Throws
 * ConfigProblems when the file holds something else.
 */
export async function keepCallbackSecret(dataDir: string): Promise<string> {
  const file = join(dataDir, 'callback-secret');
  const made = `${file}.${process.pid}`;
  try {
    await writeFile(made, `whsec_${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    // Whole or not at all, whatever crashes; and of two that make one at a time, the first wins.
    await link(made, file);
  } catch (error: unknown) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(made, { force: true });
  }
  const secret = (await readFile(file, 'utf8')).trim();
  if (callbackConfigSchema.shape.secrets.safeParse(secret).success) return secret;
  const problem = `is not given, and ${file} holds none (whsec_ and base64): remove it to have a new one made`;
  throw new ConfigProblems([{ variable: 'JUICE_CALLBACK_SECRET', given: null, problem }]);
}
