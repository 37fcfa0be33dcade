import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ServiceProcess } from '@juice/contracts';
import type { ProcessStore } from '../src/index.ts';

export interface MadeProcessStore {
  readonly processes: ProcessStore;
  /** Makes a process one that was last seen so much earlier. */
  ageProcess(id: string, ms: number): Promise<void>;
  close(): Promise<void>;
}

const lately = 90_000;

function processOf(id: string, changes: Partial<ServiceProcess> = {}): ServiceProcess {
  const since = new Date(1_000);
  return { id, service: 'api', host: 'a.example', version: '1.2.3', node: 'v24.0.0', since, ...changes };
}

/** What a store of processes must do. `make` gives an empty one. */
export function processStoreContract(make: () => Promise<MadeProcessStore>): void {
  describe('a process store', () => {
    let made: MadeProcessStore;
    let processes: ProcessStore;
    beforeEach(async () => {
      made = await make();
      processes = made.processes;
    });
    afterEach(() => made.close());

    const ids = async (limit = 10): Promise<readonly string[]> =>
      (await processes.findProcesses(lately, limit)).processes.map(({ id }) => id);

    test('none is there at first', async () => {
      expect(await processes.findProcesses(lately, 10)).toEqual({ count: 0, processes: [] });
    });

    test('one that was noted is told with all of it, once, however often it was noted', async () => {
      await processes.noteProcess(processOf('p1'));
      const [first] = (await processes.findProcesses(lately, 10)).processes;
      await processes.noteProcess(processOf('p1'));
      const { count, processes: found } = await processes.findProcesses(lately, 10);
      expect({ count, found }).toEqual({ count: 1, found: [{ ...processOf('p1'), seenAt: expect.any(Date) }] });
      expect(found[0]?.seenAt.getTime()).toBeGreaterThanOrEqual(first?.seenAt.getTime() ?? Infinity);
    });

    test('they are in the order of services, hosts and starts, and counted beyond the limit', async () => {
      await processes.noteProcess(processOf('s', { service: 'scheduler' }));
      await processes.noteProcess(processOf('b', { host: 'b.example' }));
      await processes.noteProcess(processOf('late', { since: new Date(2_000) }));
      await processes.noteProcess(processOf('early'));
      await processes.noteProcess(processOf('c', { service: 'callback' }));
      expect(await ids()).toEqual(['early', 'late', 'b', 'c', 's']);
      expect(await ids(2)).toEqual(['early', 'late']);
      expect(await processes.findProcesses(lately, 2)).toMatchObject({ count: 5 });
    });

    test('one that was not seen for longer is left out, until it is seen again', async () => {
      await processes.noteProcess(processOf('p1'));
      await processes.noteProcess(processOf('p2'));
      await made.ageProcess('p1', lately + 60_000);
      await made.ageProcess('p2', lately - 30_000);
      await processes.noteProcess(processOf('p3'));
      expect(await processes.findProcesses(lately, 10)).toMatchObject({
        count: 2,
        processes: [{ id: 'p2' }, { id: 'p3' }],
      });
      await processes.noteProcess(processOf('p1'));
      expect(await ids()).toEqual(['p1', 'p2', 'p3']);
    });

    test('one that has ended is gone, and ending again is no failure', async () => {
      await processes.noteProcess(processOf('p1'));
      await processes.noteProcess(processOf('p2'));
      await processes.removeProcess('p1');
      await processes.removeProcess('p1');
      expect(await ids()).toEqual(['p2']);
    });
  });
}
