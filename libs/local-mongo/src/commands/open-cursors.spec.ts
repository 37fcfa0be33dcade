import { expect, test } from '@jest/globals';
import { cursorIdleMs, OpenCursors } from './open-cursors.ts';

function documents(count: number): Iterator<Buffer | null> {
  return Array.from({ length: count }, () => Buffer.from([5, 0, 0, 0, 0]))[Symbol.iterator]();
}

test('a cursor that nobody asks is closed after ten minutes, one that is asked stays', async () => {
  let nowMs = 0;
  const cursors = new OpenCursors(() => nowMs, Math.random);
  const left = await cursors.open('d.c', documents(10), { size: 1, keep: true });
  const used = await cursors.open('d.c', documents(10), { size: 1, keep: true });
  nowMs = cursorIdleMs - 1;
  await cursors.more(used.cursorId, 'd.c', 1);
  nowMs = cursorIdleMs + 1;
  cursors.closeIdle();
  await expect(cursors.more(left.cursorId, 'd.c', 1)).rejects.toMatchObject({ code: 43 });
  expect((await cursors.more(used.cursorId, 'd.c', 100)).cursorId).toBe(0n);
});

test('a cursor belongs to its collection', async () => {
  const cursors = new OpenCursors(() => 0, Math.random);
  const { cursorId } = await cursors.open('d.c', documents(10), { size: 1, keep: true });
  await expect(cursors.more(cursorId, 'd.other', 1)).rejects.toMatchObject({ code: 13 });
});

test('a batch ends before sixteen megabytes', async () => {
  const cursors = new OpenCursors(() => 0, Math.random);
  const large = Array.from({ length: 4 }, () => Buffer.alloc(7 * 1024 * 1024))[Symbol.iterator]();
  const first = await cursors.open('d.c', large, { size: 100, keep: true });
  expect(first.documents).toHaveLength(2);
  const rest = await cursors.more(first.cursorId, 'd.c', 100);
  expect([rest.documents.length, rest.cursorId]).toEqual([2, 0n]);
});
