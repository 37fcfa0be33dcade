import { readFile, utimes, writeFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createFolder } from '../../testing/folder.ts';
import { lockFolder } from './folder-lock.ts';

let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ path: folder, remove } = await createFolder());
});
afterEach(() => remove());

const path = () => join(folder, 'lock');

async function leaveBehind(change: (holder: Record<string, unknown>) => Record<string, unknown>): Promise<void> {
  const lock = await lockFolder(folder);
  const holder = JSON.parse(await readFile(path(), 'utf8')) as Record<string, unknown>;
  await lock.release();
  await writeFile(path(), JSON.stringify(change({ ...holder, token: 'left-behind' })));
}

describe('the lock of a folder', () => {
  test('is held once, and let go', async () => {
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: 'FOLDER_IN_USE',
      message: expect.stringContaining(String(process.pid)),
    });
    await lock.release();
    await (await lockFolder(folder)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('of a living process is respected, and its pid named', async () => {
    const stats = await readFile('/proc/1/stat', 'utf8').catch(() => '');
    const startedAt = stats.slice(stats.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    await leaveBehind((holder) => ({ ...holder, pid: 1, startedAt }));
    await expect(lockFolder(folder)).rejects.toThrow(/pid 1 /);
  });

  test('of a dead process is taken over', async () => {
    await leaveBehind((holder) => ({ ...holder, pid: 2 ** 22 + 1 }));
    await (await lockFolder(folder)).release();
  });

  test('of a process whose pid another one has now is taken over', async () => {
    await leaveBehind((holder) => ({ ...holder, startedAt: '1' }));
    await (await lockFolder(folder)).release();
  });

  test('from elsewhere is respected as long as it is renewed', async () => {
    await leaveBehind((holder) => ({ ...holder, place: 'elsewhere', pid: 77 }));
    await expect(lockFolder(folder)).rejects.toThrow(/pid 77 \(elsewhere\)/);
    await utimes(path(), new Date(0), new Date(Date.now() - 60_000));
    await (await lockFolder(folder)).release();
  });

  test('is given to one of many who take over', async () => {
    await leaveBehind((holder) => ({ ...holder, pid: 2 ** 22 + 1 }));
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
    const held = taken.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(held).toHaveLength(1);
    await held[0]?.release();
  });
});
