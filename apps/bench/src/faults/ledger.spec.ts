import { expect, test } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import { createLedger } from './ledger.ts';

const [a, b] = [1n, 2n] as unknown as [TaskId, TaskId];
const callback = (taskId: TaskId, sequence: number) => ({ taskId, sequence, id: `${taskId}_${sequence}` });

test('tells what is lost, repeated, out of order and strange', () => {
  const ledger = createLedger();
  ledger.expect(a, 3);
  ledger.arrived(callback(a, 2), 503);
  ledger.arrived(callback(a, 2), 200);
  expect(ledger.settle()).toEqual({
    ...{ tasks: 1, accepted: 1, refused: 1, lost: 1, disordered: 0, repeated: 0, strange: 0 },
  });
  ledger.arrived(callback(a, 3), 200);
  ledger.arrived(callback(a, 3), 200);
  expect(ledger.settle()).toMatchObject({ lost: 0, repeated: 1, disordered: 0 });
  ledger.arrived(callback(a, 2), 200);
  ledger.arrived(callback(b, 2), 200);
  expect(ledger.settle()).toMatchObject({ lost: 0, repeated: 2, disordered: 1, strange: 1 });
});
