import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SwitchStore } from '../src/index.ts';

export interface MadeSwitchStore {
  readonly switches: SwitchStore;
  close(): Promise<void>;
}

const ann = { reason: 'the rack is moved', by: 'key-of-ann' };
const bob = { reason: 'it takes until noon', by: 'key-of-bob' };

/** What a store of switches must do. `make` gives an empty one. */
export function switchStoreContract(make: () => Promise<MadeSwitchStore>): void {
  describe('a switch store', () => {
    let made: MadeSwitchStore;
    let switches: SwitchStore;
    beforeEach(async () => {
      made = await make();
      switches = made.switches;
    });
    afterEach(() => made.close());

    test('everything is off at first', async () => {
      expect(await switches.loadSwitches()).toEqual([]);
      expect(await switches.turnOff('stop-intake')).toBe(false);
    });

    test('what is on is told with its reason, by whom and since when, in the order of names', async () => {
      const on = { name: 'stop-launching:batch/night', ...ann, since: new Date(1_000), changedAt: new Date(1_000) };
      expect(await switches.turnOn('stop-launching:batch/night', ann, 1_000)).toEqual(on);
      await switches.turnOn('drain-scheduler:a.example', ann, 2_000);
      const found = await switches.loadSwitches();
      expect(found.map(({ name }) => name)).toEqual(['drain-scheduler:a.example', 'stop-launching:batch/night']);
      expect(found[1]).toEqual(on);
    });

    test('one that is on gets another reason, and is on since when it was', async () => {
      await switches.turnOn('stop-intake', ann, 1_000);
      const again = { name: 'stop-intake', ...bob, since: new Date(1_000), changedAt: new Date(5_000) };
      expect(await switches.turnOn('stop-intake', bob, 5_000)).toEqual(again);
      expect(await switches.loadSwitches()).toEqual([again]);
    });

    test('one that is turned off is gone, and turned on again it is on since then', async () => {
      await switches.turnOn('stop-intake', ann, 1_000);
      await switches.turnOn('stop-launching', ann, 1_000);
      expect(await switches.turnOff('stop-intake')).toBe(true);
      expect(await switches.turnOff('stop-intake')).toBe(false);
      expect(await switches.loadSwitches()).toMatchObject([{ name: 'stop-launching' }]);
      expect(await switches.turnOn('stop-intake', bob, 9_000)).toMatchObject({ since: new Date(9_000) });
    });

    test('turned on by many at once it is on once, and none of them fails', async () => {
      const reasons = Array.from({ length: 12 }, (_, n) => `reason ${n}`);
      const turned = await Promise.all(
        reasons.map((reason) => switches.turnOn('stop-launching', { ...ann, reason }, 1_000)),
      );
      expect(new Set(turned.map(({ name }) => name))).toEqual(new Set(['stop-launching']));
      const [only, ...more] = await switches.loadSwitches();
      expect(more).toEqual([]);
      expect(reasons).toContain(only?.reason);
    });
  });
}
