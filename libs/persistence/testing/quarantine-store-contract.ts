import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { QuarantinedCase, QuarantineStore } from '../src/index.ts';
import { idAt, startMs } from './sample-tasks.ts';

export interface MadeQuarantineStore {
  readonly quarantine: QuarantineStore;
  close(): Promise<void>;
}

/** What a store of quarantined things must do. `make` gives an empty one. */
export function quarantineStoreContract(make: () => Promise<MadeQuarantineStore>): void {
  describe('a quarantine store', () => {
    let made: MadeQuarantineStore;
    let quarantine: QuarantineStore;
    beforeEach(async () => {
      made = await make();
      quarantine = made.quarantine;
    });
    afterEach(() => made.close());

    const poison = (key: string, ms = 0): QuarantinedCase => ({
      key,
      kind: 'update',
      atMs: startMs + ms,
      epoch: 1,
      detail: 'no such state',
      taskId: idAt(1),
      mesosTaskId: 'a-task-1',
      agentId: null,
      record: '{}',
    });

    test('knows the cases that came last, each once', async () => {
      expect(await quarantine.keys(10)).toEqual([]);
      await quarantine.put(poison('a', 1));
      await quarantine.put(poison('b', 2));
      await quarantine.put(poison('c', 3));
      await quarantine.put(poison('a', 4));
      expect(await quarantine.keys(10)).toEqual(['a', 'c', 'b']);
      expect(await quarantine.keys(2)).toEqual(['a', 'c']);
    });
  });
}
