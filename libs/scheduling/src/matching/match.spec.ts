import { describe, expect, test } from '@jest/globals';
import type { ConstraintSpec, SchedulableTask, TaskId } from '@juice/contracts';
import { MatchTrial, needsOf, roomOn, wanting } from '../../testing/match-trial.ts';
import type { Offer, Policy } from '../index.ts';
import { noLimits } from '../tenant.ts';

/** Which tasks (by place in the list, from 1) are launched on which host. */
function match(
  tasks: readonly Partial<SchedulableTask>[],
  offers: readonly Offer[],
  policy: Partial<Policy> = {},
): Record<string, number[]> {
  const trial = new MatchTrial(policy);
  const ids = trial.submit(tasks);
  return byAgent(ids, trial.offer(offers));
}

function byAgent(ids: readonly TaskId[], launches: readonly [TaskId, string][]): Record<string, number[]> {
  const placed: Record<string, number[]> = {};
  for (const [taskId, agentId] of launches) (placed[agentId] ??= []).push(ids.indexOf(taskId) + 1);
  return placed;
}

const text = (name: string, value: string) => ({ name, kind: 'text', text: value }) as const;

describe('of one tenant', () => {
  test('higher priority goes first, then age, over all shapes', () => {
    const tasks = [wanting(2), wanting(1), wanting(1), wanting(2, { priority: 1 }), wanting(1, { priority: 7 })];
    expect(match(tasks, [roomOn('a', 6)])).toEqual({ a: [5, 4, 1, 2] });
  });

  test('a task that fits nowhere holds up only its own shape', () => {
    expect(match([wanting(100), wanting(1), wanting(100), wanting(1)], [roomOn('a', 4)])).toEqual({ a: [2, 4] });
  });

  test('no more is placed than may be launched', () => {
    expect(match([wanting(1), wanting(1), wanting(1)], [roomOn('a', 9)], { launchesPerFrame: 2 })).toEqual({
      a: [1, 2],
    });
  });
});

describe('between tenants', () => {
  const of = (tenantId: string, more: Partial<SchedulableTask> = {}) => wanting(1, { tenantId, ...more });

  test('whoever has the least is next, however many the others have, and whatever their priority', () => {
    const many = Array.from({ length: 20 }, () => of('many', { priority: 5 }));
    expect(match([...many, of('few'), of('few')], [roomOn('a', 6)])).toEqual({ a: [1, 21, 2, 22, 3, 4] });
  });

  test('shares go by weight', () => {
    const trial = new MatchTrial();
    trial.limit('heavy', { ...noLimits, weight: 3 });
    const ids = trial.submit([
      ...Array.from({ length: 20 }, () => of('light')),
      ...Array.from({ length: 20 }, () => of('heavy')),
    ]);
    const { a = [] } = byAgent(ids, trial.offer([roomOn('a', 8)]));
    expect(a.filter((place) => place > 20)).toHaveLength(6);
  });

  test('a share is of what a tenant takes most of', () => {
    // Of 10 CPUs and 1,000 MB: one task in memory is as much as three in CPUs.
    const memory = { tenantId: 'memory', needs: needsOf(0.1, 300) };
    const tasks = [memory, memory, ...Array.from({ length: 9 }, () => of('cpu'))];
    expect(match(tasks, [roomOn('a', 10)])).toEqual({ a: [1, 3, 4, 5, 2, 6, 7, 8, 9, 10, 11] });
  });

  test('what runs counts', () => {
    const trial = new MatchTrial();
    const first = trial.submit([of('a'), of('a'), of('a')]);
    trial.offer([roomOn('x', 3)]);
    const ids = trial.submit([of('a'), of('b'), of('b'), of('b')]);
    expect(first).toHaveLength(3);
    expect(byAgent(ids, trial.offer([roomOn('y', 3)]))).toEqual({ y: [2, 3, 4] });
  });
});

describe('limits of a tenant', () => {
  const small = (count: number) => Array.from({ length: count }, () => wanting(1, { tenantId: 't' }));

  test.each([
    [{ cpuMillis: 2_500 }, 2],
    [{ memMb: 30 }, 3],
    [{ running: 4 }, 4],
    [{ gpus: 0 }, 6],
    [{ cpuMillis: 0 }, 0],
  ])('%j: so many run', (limits, expected) => {
    const trial = new MatchTrial();
    trial.limit('t', { ...noLimits, ...limits });
    trial.submit(small(6));
    expect(trial.offer([roomOn('a', 9)])).toHaveLength(expected);
  });

  test('a smaller task runs where a larger one would break the limit; one more runs when another has ended', () => {
    const trial = new MatchTrial();
    trial.limit('t', { ...noLimits, cpuMillis: 2_000 });
    const ids = trial.submit([
      wanting(1, { tenantId: 't' }),
      wanting(2, { tenantId: 't' }),
      wanting(0.5, { tenantId: 't' }),
    ]);
    expect(byAgent(ids, trial.offer([roomOn('a', 9)]))).toEqual({ a: [1, 3] });
    trial.offer([roomOn('b', 9)]);
    trial.finish(ids[2] as TaskId);
    expect(trial.table.rows.get(ids[1] as TaskId)?.live).toBeNull();
    trial.finish(ids[0] as TaskId);
    expect(trial.table.rows.get(ids[1] as TaskId)?.live).not.toBeNull();
  });

  test('a pace lets through so many a second; other tenants do not wait for it', () => {
    const trial = new MatchTrial({ offerHoldMs: 60_000 });
    trial.limit('t', { ...noLimits, launchesPerSecond: 2 });
    trial.pass(10_000);
    trial.submit([...small(6), wanting(1, { tenantId: 'other' })]);
    expect(trial.offer([roomOn('a', 2), roomOn('b', 9)])).toHaveLength(3);
    const launched = (): number => [...trial.table.rows.values()].filter(({ live }) => live !== null).length;
    trial.offer([roomOn('c', 9)]);
    expect(launched()).toBe(3);
    trial.pass(500);
    expect(launched()).toBe(4);
    trial.pass(60_000);
    trial.offer([roomOn('d', 9)]);
    expect(launched()).toBe(6);
  });

  test('a limit that is lifted holds no longer', () => {
    const trial = new MatchTrial();
    trial.limit('t', { ...noLimits, running: 1 });
    trial.submit(small(3));
    expect(trial.offer([roomOn('a', 1), roomOn('b', 9)])).toHaveLength(1);
    trial.limit('t', noLimits);
    expect([...trial.table.rows.values()].filter(({ live }) => live !== null)).toHaveLength(3);
  });
});

describe('where a task runs', () => {
  test('packed: on the fullest agent that holds it, so that large tasks find room', () => {
    const offers = [roomOn('large', 8), roomOn('small', 2), roomOn('middle', 4)];
    expect(match([wanting(2), wanting(1), wanting(3), wanting(8)], offers)).toEqual({
      small: [1],
      middle: [2, 3],
      large: [4],
    });
  });

  test('spread: on one agent after the other', () => {
    const offers = [roomOn('a', 4), roomOn('b', 4), roomOn('c', 4)];
    const placed = match(
      Array.from({ length: 7 }, () => wanting(1)),
      offers,
      { strategy: 'spread' },
    );
    expect(
      Object.values(placed)
        .map(({ length }) => length)
        .sort(),
    ).toEqual([2, 2, 3]);
  });

  test('the offers of one agent are one room, those of two roles are not', () => {
    const agent = { agentId: 'x', hostname: 'host-x' };
    const pieces = [roomOn('p', 2, agent), roomOn('q', 1, agent)];
    expect(match([wanting(3)], pieces)).toEqual({ x: [1] });
    expect(match([wanting(3)], [pieces[0] as Offer, roomOn('q', 1, { ...agent, role: 'other' })])).toEqual({});
  });

  test('a part of each agent is left alone where asked', () => {
    expect(match([wanting(3), wanting(2), wanting(1)], [roomOn('a', 4)], { keepBackShare: 0.2 })).toEqual({ a: [1] });
  });

  test('agents that are not wanted are not used, and their offers go back at once', () => {
    const trial = new MatchTrial({ wantsAgent: (attributes) => attributes.length > 0 });
    trial.submit([wanting(1)]);
    const out = trial.frame({ kind: 'offers.received', atMs: trial.atMs, offers: [roomOn('a', 9)] });
    expect(out.call).toEqual([{ kind: 'decline', offerIds: ['a'], refuseSeconds: 120 }]);
    expect(trial.offer([roomOn('b', 9, { attributes: [text('kind', 'ours')] })])).toHaveLength(1);
  });

  test.each([
    ['counted', { ports: 2 }, { a: [1] }],
    ['named', { ports: 1, hostPorts: [31_002] }, { a: [1] }],
    ['named, not there', { ports: 1, hostPorts: [8_080] }, {}],
    ['more than there are', { ports: 4 }, {}],
  ])('ports: %s', (_what, more, expected) => {
    const ports = { ports: 3, portRanges: [{ begin: 31_000, end: 31_002 }] };
    expect(match([{ needs: needsOf(1, 10, more) }], [roomOn('a', 9, ports)])).toEqual(expected);
  });

  test('a named port is given once, and not to a task that only counts', () => {
    const ports = { ports: 2, portRanges: [{ begin: 80, end: 81 }] };
    const named = { needs: needsOf(1, 10, { ports: 1, hostPorts: [80] }) };
    const counting = { needs: needsOf(1, 10, { ports: 1 }) };
    expect(match([named, named, counting, counting], [roomOn('a', 9, ports)])).toEqual({ a: [1, 3] });
    expect(match([counting, named], [roomOn('a', 9, ports)])).toEqual({ a: [1] });
  });

  test('a task that names a role takes offers of that role alone; one that names none takes any', () => {
    const tasks = [wanting(1, { role: 'batch' }), wanting(1, { role: 'web' }), wanting(1)];
    expect(match(tasks, [roomOn('a', 1, { role: 'batch' }), roomOn('b', 9, { role: '*' })])).toEqual({
      a: [1],
      b: [3],
    });
  });
});

describe('constraints', () => {
  const agents = [
    roomOn('a', 1, {
      attributes: [text('rack_id', 'r1'), { name: 'level', kind: 'scalar', value: 3 }, text('os', 'debian-12')],
    }),
    roomOn('b', 1, {
      attributes: [text('rack_id', 'r2'), { name: 'tags', kind: 'set', items: ['ssd', 'gpu'] }, text('os', 'alma-9')],
    }),
    roomOn('c', 1, { attributes: [{ name: 'slots', kind: 'ranges', ranges: [{ begin: 1, end: 5 }] }] }),
  ];

  /** The agents a task may run on. */
  function allowed(...constraints: readonly ConstraintSpec[]): string {
    return agents
      .filter((agent) => Object.keys(match([wanting(1, { constraints })], [agent])).length > 0)
      .map(({ agentId }) => agentId)
      .join('');
  }

  test.each<[ConstraintSpec, string]>([
    [{ field: 'HOSTNAME', values: ['host-b', 'host-x'] }, 'b'],
    [{ field: 'RACK_ID', values: ['r1', 'r2'] }, 'ab'],
    [{ field: 'rack_id', operator: 'IN', values: ['r2'] }, 'b'],
    [{ field: 'rack_id', operator: 'NOT_IN', values: ['r2'] }, 'ac'],
    [{ field: 'tags', values: ['gpu'] }, 'b'],
    [{ field: 'tags', operator: 'NOT_IN', values: ['gpu'] }, 'ac'],
    [{ field: 'level', values: ['3.0'] }, 'a'],
    [{ field: 'level', values: ['', 'x', '4'] }, ''],
    [{ field: 'slots', values: ['5'] }, 'c'],
    [{ field: 'slots', values: ['6'] }, ''],
    [{ field: 'os', operator: 'LIKE', values: ['debian-.*', 'bsd'] }, 'a'],
    [{ field: 'os', operator: 'LIKE', values: ['debian'] }, ''],
    [{ field: 'os', operator: 'UNLIKE', values: ['debian-.*'] }, 'bc'],
    [{ field: 'HOSTNAME', operator: 'LIKE', values: ['host-[bc]'] }, 'bc'],
    [{ field: 'os', operator: 'EXISTS', values: [] }, 'ab'],
    [{ field: 'os', operator: 'NOT_EXISTS', values: [] }, 'c'],
    [{ field: 'level', operator: 'GREATER', values: ['2.5'] }, 'a'],
    [{ field: 'level', operator: 'GREATER', values: ['3'] }, ''],
    [{ field: 'level', operator: 'LESS', values: ['4'] }, 'a'],
    [{ field: 'os', operator: 'LESS', values: ['4'] }, ''],
  ])('%j: %s', (constraint, expected) => {
    expect(allowed(constraint)).toBe(expected);
  });

  test('several must all hold', () => {
    expect(allowed({ field: 'os', operator: 'EXISTS', values: [] }, { field: 'RACK_ID', values: ['r2'] })).toBe('b');
  });
});

describe('groups', () => {
  const rack = (name: string) => ({ attributes: [text('rack_id', name)] });
  const member = (placement: 'unique' | 'balanced' | 'same', by = 'HOSTNAME', tenantId = 't') =>
    wanting(1, { tenantId, group: { name: 'g', placement, by } });
  const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

  test('unique: no two at one host, also of those placed before', () => {
    const trial = new MatchTrial();
    trial.submit(times(4, member('unique')));
    expect(
      trial
        .offer([roomOn('a', 9), roomOn('b', 9)])
        .map(([, agent]) => agent)
        .sort(),
    ).toEqual(['a', 'b']);
    expect(trial.offer([roomOn('a2', 9, { agentId: 'a', hostname: 'host-a' })])).toEqual([]);
    expect(trial.offer([roomOn('c', 9)])).toHaveLength(1);
  });

  test('same: where the first one is', () => {
    const trial = new MatchTrial();
    trial.submit(times(3, member('same', 'RACK_ID')));
    expect(trial.offer([roomOn('a', 1, rack('r1'))])).toHaveLength(1);
    expect(trial.offer([roomOn('b', 9, rack('r2'))])).toEqual([]);
    expect(trial.offer([roomOn('c', 9, rack('r1'))])).toHaveLength(2);
  });

  test('balanced: no place has two more than another that could hold one', () => {
    const trial = new MatchTrial();
    trial.submit(times(9, member('balanced', 'RACK_ID')));
    const small = roomOn('never', 0.5, rack('r3'));
    const launched = trial.offer([roomOn('a', 9, rack('r1')), roomOn('b', 2, rack('r2')), small]);
    const on = (agent: string): number => launched.filter(([, agentId]) => agentId === agent).length;
    expect([on('a'), on('b')]).toEqual([3, 2]);
  });

  test('an agent without the attribute is no place; a group is one tenant’s', () => {
    expect(match([member('unique', 'zone')], [roomOn('a', 9)])).toEqual({});
    expect(match([member('unique'), member('unique', 'HOSTNAME', 'u')], [roomOn('a', 9)])).toEqual({ a: [1, 2] });
  });

  test('a place is free again when its task has ended, and known to the next leader', () => {
    const trial = new MatchTrial();
    const ids = trial.submit(times(2, member('unique')));
    expect(trial.offer([roomOn('a', 9)])).toHaveLength(1);
    expect(trial.table.load(ids[0] as TaskId)?.live?.groupPlace).toBe('host-a');
    trial.offer([roomOn('a2', 9, { agentId: 'a', hostname: 'host-a' })]);
    trial.finish(ids[0] as TaskId);
    expect(trial.table.rows.get(ids[1] as TaskId)?.live).not.toBeNull();
  });
});
