import { describe, expect, test } from '@jest/globals';
import type { Offer, Resource } from '@juice/mesos';
import { createOfferPurse, type Want } from './offer-purse.ts';

const allocated = { allocation_info: { role: 'batch' } };
const reserved = [{ type: 'STATIC' as const, role: 'batch' }];

function scalar(name: string, value: number, reservations: Resource['reservations'] = []): Resource {
  return { name, type: 'SCALAR', scalar: { value }, reservations, ...allocated };
}

function ports(ranges: readonly (readonly [number, number])[], reservations: Resource['reservations'] = []): Resource {
  const range = ranges.map(([begin, end]) => ({ begin, end }));
  return { name: 'ports', type: 'RANGES', ranges: { range }, reservations, ...allocated };
}

function purse(...resources: Resource[]) {
  return purseOf([resources]);
}

function purseOf(offers: readonly Resource[][], spoken: readonly number[] = []) {
  const asOffer = (resources: Resource[]): Offer => ({
    id: { value: 'o' },
    framework_id: { value: 'f' },
    agent_id: { value: 'a' },
    hostname: 'h',
    resources,
    executor_ids: [],
    attributes: [],
  });
  return createOfferPurse(offers.map(asOffer), new Set(spoken));
}

const nothing: Want = { cpuMillis: 0, memMb: 0, diskMb: 0, gpus: 0, hostPorts: [], anyPorts: 0 };

describe('taking from an offer', () => {
  test('every kind, each with its role and reservations, those reserved first', () => {
    const offered = purse(
      scalar('cpus', 4),
      scalar('cpus', 1, reserved),
      scalar('mem', 512),
      scalar('disk', 100),
      scalar('gpus', 2),
      ports([[31_000, 31_005]]),
    );
    const want = { cpuMillis: 1500, memMb: 64, diskMb: 10, gpus: 1, hostPorts: [31_004], anyPorts: 2 };
    expect(offered.take(want)).toEqual({
      resources: [
        scalar('cpus', 1, reserved),
        scalar('cpus', 0.5),
        scalar('mem', 64),
        scalar('disk', 10),
        scalar('gpus', 1),
        ports([
          [31_000, 31_000],
          [31_001, 31_001],
          [31_004, 31_004],
        ]),
      ],
      ports: [31_000, 31_001, 31_004],
    });
  });

  test('ports of several parts come in one order', () => {
    const offered = purse(ports([[100, 101]]), ports([[200, 201]], reserved));
    expect(offered.take({ ...nothing, anyPorts: 3 })?.ports).toEqual([100, 200, 201]);
  });

  test('a task that is not held takes nothing from those after it', () => {
    const offered = purse(scalar('cpus', 2), scalar('mem', 100), ports([[31_000, 31_001]]));
    const all = { ...nothing, cpuMillis: 2000, memMb: 100, anyPorts: 2 };
    expect(offered.take({ ...all, hostPorts: [80], anyPorts: 1 })).toBeNull();
    expect(offered.take({ ...all, memMb: 101 })).toBeNull();
    expect(offered.take(all)).not.toBeNull();
    expect(offered.take({ ...nothing, cpuMillis: 1 })).toBeNull();
  });

  test('volumes, shared and revocable resources are not for tasks', () => {
    const offered = purse(
      { ...scalar('cpus', 1), revocable: {} },
      { ...scalar('disk', 1), disk: { persistence: { id: 'v' } } },
    );
    expect(offered.take({ ...nothing, cpuMillis: 1 })).toBeNull();
    expect(offered.take({ ...nothing, diskMb: 1 })).toBeNull();
  });

  test('of several offers together; no port that another task names', () => {
    const offers = [
      [scalar('cpus', 1), ports([[31_000, 31_001]])],
      [scalar('cpus', 2, reserved), ports([[31_002, 31_002]])],
    ];
    const taken = purseOf(offers, [31_000]).take({ ...nothing, cpuMillis: 2_500, anyPorts: 1 });
    expect(taken?.ports).toEqual([31_001]);
    expect(taken?.resources.slice(0, 2)).toMatchObject([
      { scalar: { value: 2 }, reservations: reserved },
      { scalar: { value: 0.5 }, reservations: [] },
    ]);
    expect(purseOf(offers, [31_000]).take({ ...nothing, hostPorts: [31_000] })?.ports).toEqual([31_000]);
  });
});
