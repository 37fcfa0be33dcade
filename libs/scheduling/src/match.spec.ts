import { describe, expect, test } from '@jest/globals';
import type { ConstraintSpec, TaskId } from '@juice/contracts';
import type { Offer } from './event.ts';
import { matchFirstFit } from './match.ts';
import { shapeOf, WaitingTasks } from './waiting-tasks.ts';

function offer(offerId: string, cpus: number, more: Partial<Offer> = {}): Offer {
  return {
    offerId,
    agentId: `agent of ${offerId}`,
    role: '*',
    hostname: `host-${offerId}`,
    agentPort: null,
    cpuMillis: cpus * 1000,
    memMb: 1000,
    diskMb: 0,
    gpus: 0,
    ports: 2,
    rackId: null,
    unavailability: null,
    ...more,
  };
}

function waiting(
  tasks: {
    id: number;
    cpus: number;
    priority?: number;
    ports?: number;
    avoidHost?: string;
    constraints?: ConstraintSpec[];
    role?: string;
  }[],
): WaitingTasks {
  const queue = new WaitingTasks();
  for (const { id, cpus, priority = 0, ports = 0, avoidHost = null, constraints = [], role = '*' } of tasks) {
    const like = { needs: { cpuMillis: cpus * 1000, memMb: 10, diskMb: 0, gpus: 0, ports }, constraints, role };
    const avoid = avoidHost === null ? null : { host: avoidHost, untilMs: 100 };
    queue.add({ taskId: BigInt(id) as TaskId, ticket: 1, priority, avoid }, shapeOf(like), like);
  }
  return queue;
}

function match(
  queue: WaitingTasks,
  offers: Offer[],
  rules: Partial<Parameters<typeof matchFirstFit>[2]> = {},
): Record<string, number[]> {
  const placements = matchFirstFit(
    queue.buckets(() => true),
    offers,
    { isWaiting: () => true, waitsForAnother: () => false, most: 100, ...rules },
  );
  return Object.fromEntries(placements.map((placed) => [placed.offer.offerId, placed.taskIds.map(Number)]));
}

describe('first fit', () => {
  test('takes higher priority first, then age, over all shapes', () => {
    const queue = waiting([
      { id: 3, cpus: 1 },
      { id: 1, cpus: 2 },
      { id: 4, cpus: 2, priority: 1 },
      { id: 2, cpus: 1 },
    ]);
    expect(match(queue, [offer('a', 5)])).toEqual({ a: [4, 1, 2] });
  });

  test('a task that fits nowhere holds up only its own shape', () => {
    const queue = waiting([
      { id: 1, cpus: 100 },
      { id: 2, cpus: 1 },
      { id: 3, cpus: 100 },
      { id: 4, cpus: 1 },
    ]);
    expect(match(queue, [offer('a', 4)])).toEqual({ a: [2, 4] });
  });

  test('fills one offer, then the next', () => {
    const queue = waiting([1, 2, 3, 4, 5].map((id) => ({ id, cpus: 2 })));
    expect(match(queue, [offer('a', 4), offer('b', 5)])).toEqual({ a: [1, 2], b: [3, 4] });
  });

  test('ports are counted', () => {
    const queue = waiting([1, 2, 3].map((id) => ({ id, cpus: 1, ports: 1 })));
    expect(match(queue, [offer('a', 9)])).toEqual({ a: [1, 2] });
  });

  test('places by hostname and rack alone where asked', () => {
    const queue = waiting([
      { id: 1, cpus: 1, constraints: [{ field: 'HOSTNAME', values: ['host-b'] }] },
      { id: 2, cpus: 1, constraints: [{ field: 'RACK_ID', values: ['r1', 'r2'] }] },
      { id: 3, cpus: 1, constraints: [{ field: 'RACK_ID', values: ['nowhere'] }] },
    ]);
    expect(match(queue, [offer('a', 1, { rackId: 'r2' }), offer('b', 1)])).toEqual({ a: [2], b: [1] });
  });

  test('a task that names a role takes offers of that role alone; one that names none takes any', () => {
    const queue = waiting([
      { id: 1, cpus: 1, role: 'batch' },
      { id: 2, cpus: 1, role: 'web' },
      { id: 3, cpus: 1 },
      { id: 4, cpus: 1, role: 'batch/night' },
    ]);
    const offers = [offer('a', 1, { role: 'web' }), offer('b', 9, { role: 'batch' })];
    expect(match(queue, offers)).toEqual({ a: [2], b: [1, 3] });
    expect(match(queue, [offer('c', 9), offer('d', 9, { role: 'batch/night' })])).toEqual({ d: [4] });
  });

  test('a role that is not offered holds up nobody', () => {
    const queue = waiting([
      { id: 1, cpus: 1, role: 'batch', priority: 1 },
      { id: 2, cpus: 1 },
    ]);
    expect(match(queue, [offer('a', 9, { role: 'web' })])).toEqual({ a: [2] });
  });

  test('a task goes elsewhere than where it failed, when it can', () => {
    const failed = [1, 2, 3].map((id) => ({ id, cpus: 2, avoidHost: 'host-a' }));
    expect(match(waiting(failed), [offer('a', 9), offer('b', 1), offer('c', 4)])).toEqual({ c: [1, 2], a: [3] });
    expect(match(waiting(failed), [offer('a', 9), offer('b', 9, { hostname: 'host-a' })])).toEqual({ a: [1, 2, 3] });
    const rack: ConstraintSpec[] = [{ field: 'RACK_ID', values: ['r1'] }];
    const bound = waiting([{ id: 1, cpus: 1, avoidHost: 'host-a', constraints: rack }]);
    expect(match(bound, [offer('a', 9, { rackId: 'r1' }), offer('b', 9)])).toEqual({ a: [1] });
  });

  test('a task that would rather wait for another host holds nobody up, and is placed another time', () => {
    const queue = waiting([
      { id: 1, cpus: 1, avoidHost: 'host-a' },
      { id: 2, cpus: 1 },
    ]);
    expect(match(queue, [offer('a', 9)], { waitsForAnother: ({ avoid }) => avoid !== null })).toEqual({ a: [2] });
    expect(match(queue, [offer('a', 9)])).toEqual({ a: [1] });
  });

  test('places no more than it may', () => {
    const queue = waiting([1, 2, 3].map((id) => ({ id, cpus: 1 })));
    expect(match(queue, [offer('a', 9)], { most: 2 })).toEqual({ a: [1, 2] });
    expect(match(queue, [offer('b', 9)])).toEqual({ b: [3] });
  });
});
