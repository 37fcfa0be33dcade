import { open } from 'node:fs/promises';
import type { OpenFile } from '../src/journal/generation-files.ts';

const noSpace = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

/** Opens files that cannot be written, nor made, while `isFull` says so. */
export function failingWhile(isFull: () => boolean): OpenFile {
  return async (path, flags) => {
    if (isFull()) throw noSpace();
    const handle = await open(path, flags, 0o600);
    const write = handle.write.bind(handle) as (...given: unknown[]) => Promise<never>;
    const instead = (...given: unknown[]): Promise<never> => (isFull() ? Promise.reject(noSpace()) : write(...given));
    return Object.assign(handle, { write: instead });
  };
}
