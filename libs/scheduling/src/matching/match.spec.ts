import { describe, expect, test } from '@jest/globals';
import type { ConstraintSpec, SchedulableTask, TaskId } from '@juice/contracts';
import { MatchTrial, needsOf } from '../../testing/match-trial.ts';
import { offerOf } from '../../testing/samples.ts';
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

function offer(id: string, cpus: number, more: Partial<Offer> = {}): Offer {
  return offerOf({ offerId: id, agentId: id, hostname: `host-${id}`, cpuMillis: cpus * 1000, memMb: 1000, ...more });
}

const cpus = (count: number, more: Partial<SchedulableTask> = {}) => ({ needs: needsOf(count), ...more });
const text = (name: string, value: string) => ({ name, kind: 'text', text: value }) as const;

describe('of one tenant', () => {
  test('higher priority goes first, then age, over all shapes', () => {
    const tasks = [cpus(2), cpus(1), cpus(1), cpus(2, { priority: 1 }), cpus(1, { priority: 7 })];
    expect(match(tasks, [offer('a', 6)])).toEqual({ a: [5, 4, 1, 2] });
  });

  test('a task that fits nowhere holds up only its own shape', () => {
    expect(match([cpus(100), cpus(1), cpus(100), cpus(1)], [offer('a', 4)])).toEqual({ a: [2, 4] });
  });

  test('no more is placed than may be launched', () => {
    expect(match([cpus(1), cpus(1), cpus(1)], [offer('a', 9)], { launchesPerFrame: 2 })).toEqual({ a: [1, 2] });
  });
});

describe('between tenants', () => {
  const of = (tenantId: string, more: Partial<SchedulableTask> = {}) => cpus(1, { tenantId, ...more });

  test('whoever has the least is next, however many the others have, and whatever their priority', () => {
    const many = Array.from({ length: 20 }, () => of('many', { priority: 5 }));
    expect(match([...many, of('few'), of('few')], [offer('a', 6)])).toEqual({ a: [1, 21, 2, 22, 3, 4] });
  });

  test('shares go by weight', () => {
    const trial = new MatchTrial();
    trial.limit('heavy', { ...noLimits, weight: 3 });
    const ids = trial.submit([
      ...Array.from({ length: 20 }, () => of('light')),
      ...Array.from({ length: 20 }, () => of('heavy')),
    ]);
    const { a = [] } = byAgent(ids, trial.offer([offer('a', 8)]));
    expect(a.filter((place) => place > 20)).toHaveLength(6);
  });

  test('a share is of what a tenant takes most of', () => {
    // Of 10 CPUs and 1,000 MB: one task in memory is as much as three in CPUs.
    const memory = { tenantId: 'memory', needs: needsOf(0.1, 300) };
    const tasks = [memory, memory, ...Array.from({ length: 9 }, () => of('cpu'))];
    expect(match(tasks, [offer('a', 10)])).toEqual({ a: [1, 3, 4, 5, 2, 6, 7, 8, 9, 10, 11] });
  });

  test('what runs counts', () => {
    const trial = new MatchTrial();
    const first = trial.submit([of('a'), of('a'), of('a')]);
    trial.offer([offer('x', 3)]);
    const ids = trial.submit([of('a'), of('b'), of('b'), of('b')]);
    expect(first).toHaveLength(3);
    expect(byAgent(ids, trial.offer([offer('y', 3)]))).toEqual({ y: [2, 3, 4] });
  });
});

describe('limits of a tenant', () => {
  const small = (count: number) => Array.from({ length: count }, () => cpus(1, { tenantId: 't' }));

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
    expect(trial.offer([offer('a', 9)])).toHaveLength(expected);
  });

  test('a smaller task runs where a larger one would break the limit; one more runs when another has ended', () => {
    const trial = new MatchTrial();
    trial.limit('t', { ...noLimits, cpuMillis: 2_000 });
    const ids = trial.submit([cpus(1, { tenantId: 't' }), cpus(2, { tenantId: 't' }), cpus(0.5, { tenantId: 't' })]);
    expect(byAgent(ids, trial.offer([offer('a', 9)]))).toEqual({ a: [1, 3] });
    trial.offer([offer('b', 9)]);
    trial.finish(ids[2] as TaskId);
    expect(trial.table.rows.get(ids[1] as TaskId)?.live).toBeNull();
    trial.finish(ids[0] as TaskId);
    expect(trial.table.rows.get(ids[1] as TaskId)?.live).not.toBeNull();
  });

  test('a pace lets through so many a second; other tenants do not wait for it', () => {
    const trial = new MatchTrial({ offerHoldMs: 60_000 });
    trial.limit('t', { ...noLimits, launchesPerSecond: 2 });
    trial.pass(10_000);
    trial.submit([...small(6), cpus(1, { tenantId: 'other' })]);
    expect(trial.offer([offer('a', 2), offer('b', 9)])).toHaveLength(3);
    const launched = (): number => [...trial.table.rows.values()].filter(({ live }) => live !== null).length;
    trial.offer([offer('c', 9)]);
    expect(launched()).toBe(3);
    trial.pass(500);
    expect(launched()).toBe(4);
    trial.pass(60_000);
    trial.offer([offer('d', 9)]);
    expect(launched()).toBe(6);
  });

  test('a limit that is lifted holds no longer', () => {
    const trial = new MatchTrial();
    trial.limit('t', { ...noLimits, running: 1 });
    trial.submit(small(3));
    expect(trial.offer([offer('a', 1), offer('b', 9)])).toHaveLength(1);
    trial.limit('t', noLimits);
    expect([...trial.table.rows.values()].filter(({ live }) => live !== null)).toHaveLength(3);
  });
});

describe('where a task runs', () => {
  test('packed: on the fullest agent that holds it, so that large tasks find room', () => {
    const offers = [offer('large', 8), offer('small', 2), offer('middle', 4)];
    expect(match([cpus(2), cpus(1), cpus(3), cpus(8)], offers)).toEqual({ small: [1], middle: [2, 3], large: [4] });
  });

  test('spread: on one agent after the other', () => {
    const offers = [offer('a', 4), offer('b', 4), offer('c', 4)];
    const placed = match(
      Array.from({ length: 7 }, () => cpus(1)),
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
    const pieces = [offer('p', 2, agent), offer('q', 1, agent)];
    expect(match([cpus(3)], pieces)).toEqual({ x: [1] });
    expect(match([cpus(3)], [pieces[0] as Offer, offer('q', 1, { ...agent, role: 'other' })])).toEqual({});
  });

  test('a part of each agent is left alone where asked', () => {
    expect(match([cpus(3), cpus(2), cpus(1)], [offer('a', 4)], { keepBackShare: 0.2 })).toEqual({ a: [1] });
  });

  test('agents that are not wanted are not used, and their offers go back at once', () => {
    const trial = new MatchTrial({ wantsAgent: (attributes) => attributes.length > 0 });
    trial.submit([cpus(1)]);
    const out = trial.frame({ kind: 'offers.received', atMs: trial.atMs, offers: [offer('a', 9)] });
    expect(out.call).toEqual([{ kind: 'decline', offerIds: ['a'], refuseSeconds: 120 }]);
    expect(trial.offer([offer('b', 9, { attributes: [text('kind', 'ours')] })])).toHaveLength(1);
  });

  test.each([
    ['counted', { ports: 2 }, { a: [1] }],
    ['named', { ports: 1, hostPorts: [31_002] }, { a: [1] }],
    ['named, not there', { ports: 1, hostPorts: [8_080] }, {}],
    ['more than there are', { ports: 4 }, {}],
  ])('ports: %s', (_what, more, expected) => {
    const ports = { ports: 3, portRanges: [{ begin: 31_000, end: 31_002 }] };
    expect(match([{ needs: needsOf(1, 10, more) }], [offer('a', 9, ports)])).toEqual(expected);
  });

  test('a named port is given once, and not to a task that only counts', () => {
    const ports = { ports: 2, portRanges: [{ begin: 80, end: 81 }] };
    const named = { needs: needsOf(1, 10, { ports: 1, hostPorts: [80] }) };
    const counting = { needs: needsOf(1, 10, { ports: 1 }) };
    expect(match([named, named, counting, counting], [offer('a', 9, ports)])).toEqual({ a: [1, 3] });
    expect(match([counting, named], [offer('a', 9, ports)])).toEqual({ a: [1] });
  });

  test('a task that names a role takes offers of that role alone; one that names none takes any', () => {
    const tasks = [cpus(1, { role: 'batch' }), cpus(1, { role: 'web' }), cpus(1)];
    expect(match(tasks, [offer('a', 1, { role: 'batch' }), offer('b', 9, { role: '*' })])).toEqual({ a: [1], b: [3] });
  });
});

describe('constraints', () => {
  const agents = [
    offer('a', 1, {
      attributes: [text('rack_id', 'r1'), { name: 'level', kind: 'scalar', value: 3 }, text('os', 'debian-12')],
    }),
    offer('b', 1, {
      attributes: [text('rack_id', 'r2'), { name: 'tags', kind: 'set', items: ['ssd', 'gpu'] }, text('os', 'alma-9')],
    }),
    offer('c', 1, { attributes: [{ name: 'slots', kind: 'ranges', ranges: [{ begin: 1, end: 5 }] }] }),
  ];

  /** The agents a task may run on. */
  function allowed(...constraints: readonly ConstraintSpec[]): string {
    return agents
      .filter((agent) => Object.keys(match([cpus(1, { constraints })], [agent])).length > 0)
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
    cpus(1, { tenantId, group: { name: 'g', placement, by } });
  const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

  test('unique: no two at one host, also of those placed before', () => {
    const trial = new MatchTrial();
    trial.submit(times(4, member('unique')));
    expect(
      trial
        .offer([offer('a', 9), offer('b', 9)])
        .map(([, agent]) => agent)
        .sort(),
    ).toEqual(['a', 'b']);
    expect(trial.offer([offer('a2', 9, { agentId: 'a', hostname: 'host-a' })])).toEqual([]);
    expect(trial.offer([offer('c', 9)])).toHaveLength(1);
  });

  test('same: where the first one is', () => {
    const trial = new MatchTrial();
    trial.submit(times(3, member('same', 'RACK_ID')));
    expect(trial.offer([offer('a', 1, rack('r1'))])).toHaveLength(1);
    expect(trial.offer([offer('b', 9, rack('r2'))])).toEqual([]);
    expect(trial.offer([offer('c', 9, rack('r1'))])).toHaveLength(2);
  });

  test('balanced: no place has two more than another that could hold one', () => {
    const trial = new MatchTrial();
    trial.submit(times(9, member('balanced', 'RACK_ID')));
    const small = offer('never', 0.5, rack('r3'));
    const launched = trial.offer([offer('a', 9, rack('r1')), offer('b', 2, rack('r2')), small]);
    const on = (agent: string): number => launched.filter(([, agentId]) => agentId === agent).length;
    expect([on('a'), on('b')]).toEqual([3, 2]);
  });

  test('an agent without the attribute is no place; a group is one tenant’s', () => {
    expect(match([member('unique', 'zone')], [offer('a', 9)])).toEqual({});
    expect(match([member('unique'), member('unique', 'HOSTNAME', 'u')], [offer('a', 9)])).toEqual({ a: [1, 2] });
  });

  test('a place is free again when its task has ended, and known to the next leader', () => {
    const trial = new MatchTrial();
    const ids = trial.submit(times(2, member('unique')));
    expect(trial.offer([offer('a', 9)])).toHaveLength(1);
    expect(trial.table.load(ids[0] as TaskId)?.live?.groupPlace).toBe('host-a');
    trial.offer([offer('a2', 9, { agentId: 'a', hostname: 'host-a' })]);
    trial.finish(ids[0] as TaskId);
    expect(trial.table.rows.get(ids[1] as TaskId)?.live).not.toBeNull();
  });
});

describe('a large task among small ones', () => {
  const large = cpus(8, { tenantId: 'large' });
  const small = cpus(1, { tenantId: 'small' });
  const whole = { reserveAfterMs: 1_000, offerHoldMs: 500 };

  /** An agent of eight CPUs, seen whole, then full of small tasks. */
  function full(policy: Partial<Policy> = {}): { trial: MatchTrial; ids: TaskId[] } {
    const trial = new MatchTrial({ ...whole, ...policy });
    const ids = trial.submit(Array.from({ length: 8 }, () => small));
    trial.offer([offer('a', 8)]);
    return { trial, ids };
  }

  const piece = (id: string, count = 1): Offer => offer(id, count, { agentId: 'a', hostname: 'host-a' });

  test('gets an agent to itself once it has waited a while', () => {
    const { trial, ids } = full();
    const [wanted = 0n] = trial.submit([large, ...Array.from({ length: 20 }, () => small)]);
    for (const [at, id] of ids.slice(0, 4).entries()) {
      trial.finish(id);
      // Each piece that comes free goes to a small one.
      expect(trial.offer([piece(`before-${at}`)])).toHaveLength(1);
      trial.pass(300);
    }
    trial.pass(1_000);
    for (const [at, id] of ids.slice(4).entries()) {
      trial.finish(id);
      expect(trial.offer([piece(`kept-${at}`)])).toEqual([]);
    }
    const others = [...trial.table.rows.values()].filter(({ live }) => live !== null);
    expect(others).toHaveLength(4);
    for (const { task } of others) trial.finish(task.taskId);
    expect(trial.offer([piece('last', 4)])).toEqual([[wanted, 'a']]);
  });

  test('keeps no agent that could never hold it, and no more than its time', () => {
    const { trial, ids } = full({ reserveMs: 10_000 });
    trial.finish(ids[0] as TaskId);
    trial.submit([cpus(9, { tenantId: 'huge' })]);
    trial.offer([piece('p0')]);
    trial.pass(2_000);
    expect([...trial.state.reservations.all()]).toEqual([]);
    const wanted = trial.submit([large])[0] as TaskId;
    trial.finish(ids[1] as TaskId);
    trial.offer([piece('p1')]);
    trial.pass(2_000);
    expect(trial.state.reservations.agentFor(wanted)).toBe('a');
    trial.frame({ kind: 'task.loaded', atMs: trial.atMs, taskId: wanted, live: null });
    trial.pass(1);
    expect([...trial.state.reservations.all()]).toEqual([]);
  });

  test('one that is kept for a tenant with more goes to a tenant with less', () => {
    const { trial } = full();
    const [more] = trial.submit([cpus(2, { tenantId: 'small' })]);
    trial.offer([piece('too-little', 0)]);
    trial.pass(2_000);
    expect(trial.state.reservations.agentFor(more as TaskId)).toBe('a');
    const [less] = trial.submit([cpus(2, { tenantId: 'large' })]);
    trial.offer([piece('again', 0)]);
    for (let second = 0; second < 3; second += 1) trial.pass(1_000);
    expect(trial.state.reservations.agentFor(less as TaskId)).toBe('a');
    for (let second = 0; second < 3; second += 1) trial.pass(1_000);
    expect(trial.state.reservations.agentFor(more as TaskId)).toBeNull();
  });

  test('no more than a tenth of the cluster is kept, or one agent', () => {
    const trial = new MatchTrial(whole);
    const agents = Array.from({ length: 40 }, (_, at) => offer(`agent-${at}`, 8));
    trial.submit(Array.from({ length: 320 }, () => small));
    trial.offer(agents);
    trial.submit(Array.from({ length: 30 }, (_, at) => cpus(8, { tenantId: `large-${at}` })));
    trial.offer(agents.map((agent) => ({ ...agent, offerId: `${agent.offerId}-rest`, cpuMillis: 10, memMb: 10 })));
    trial.pass(2_000);
    expect([...trial.state.reservations.all()]).toHaveLength(4);
  });
});

describe('what an agent has', () => {
  const total = ({ state }: MatchTrial): number => state.agents.total.cpuMillis;

  test('is not more for an offer that comes before the word of the task whose room is in it', () => {
    const trial = new MatchTrial();
    const [first] = trial.submit([cpus(4)]);
    trial.offer([offer('a', 4)]);
    for (let round = 0; round < 20; round += 1) {
      trial.offer([offer(`early-${round}`, 4, { agentId: 'a', hostname: 'host-a' })]);
      trial.pass(900);
      expect(total(trial)).toBe(4_000);
      trial.frame({ kind: 'offer.rescinded', atMs: trial.atMs, offerId: `early-${round}` });
      trial.pass(100);
    }
    trial.finish(first as TaskId);
    expect(total(trial)).toBe(4_000);
  });

  test('is more once it has been more for a while, as when another framework leaves', () => {
    const trial = new MatchTrial();
    trial.submit([cpus(4)]);
    trial.offer([offer('a', 4)]);
    trial.offer([offer('more', 2, { agentId: 'a', hostname: 'host-a' })]);
    trial.pass(1);
    expect(total(trial)).toBe(4_000);
    for (let second = 0; second < 16; second += 1) {
      trial.pass(1_000);
      trial.offer([offer(`again-${second}`, 2, { agentId: 'a', hostname: 'host-a' })]);
      if (second > 0) trial.frame({ kind: 'offer.rescinded', atMs: trial.atMs, offerId: `again-${second - 1}` });
    }
    expect(total(trial)).toBe(6_000);
  });
});

describe('an agent that fails tasks', () => {
  function failOn(trial: MatchTrial, agent: string, facts: { tenantId: string; reason?: string; afterMs?: number }) {
    const [id = 0n] = trial.submit([cpus(1, { tenantId: facts.tenantId })]);
    const launched = trial.offer([offer(`${agent}-${String(id)}`, 9, { agentId: agent, hostname: agent })]);
    if (launched.length === 0) return false;
    trial.atMs += facts.afterMs ?? 10;
    for (const [taskId] of launched) {
      const mesosTaskId = trial.table.rows.get(taskId)?.live?.mesosTaskId ?? '';
      const status = { mesosTaskId, state: 'TASK_FAILED', message: '', reason: facts.reason ?? null } as const;
      trial.frame({
        kind: 'status.received',
        atMs: trial.atMs,
        status: { ...status, agentId: agent, uuid: null, healthy: true },
      });
    }
    return true;
  }

  /** A cluster of four agents, so that one of them is not most of it. */
  function cluster(): MatchTrial {
    const trial = new MatchTrial({ freeLaunchFailures: 0 });
    trial.offer(['good-1', 'good-2', 'good-3'].map((id) => offer(id, 1)));
    trial.pass(3_000);
    return trial;
  }

  test('three at their launch: it is shut, until time has passed; one more failure shuts it again', () => {
    const trial = cluster();
    const fails = () => failOn(trial, 'bad', { tenantId: 't', reason: 'CONTAINER_LAUNCH_FAILED' });
    expect([fails(), fails(), fails()]).toEqual([true, true, true]);
    expect(fails()).toBe(false);
    trial.pass(400_000);
    expect(fails()).toBe(true);
    trial.pass(1_000);
    expect(fails()).toBe(false);
  });

  test('the failures of one tenant are its own; those of three are the agent’s', () => {
    const trial = cluster();
    for (let n = 0; n < 6; n += 1) expect(failOn(trial, 'bad', { tenantId: 't' })).toBe(true);
    expect(failOn(trial, 'bad', { tenantId: 'u' })).toBe(true);
    expect(failOn(trial, 'bad', { tenantId: 'v' })).toBe(true);
    expect(failOn(trial, 'bad', { tenantId: 'w' })).toBe(false);
  });

  test('a task that lasts clears it', () => {
    const trial = cluster();
    for (const tenantId of ['t', 'u']) failOn(trial, 'bad', { tenantId });
    failOn(trial, 'bad', { tenantId: 'x', afterMs: 60_000 });
    for (const tenantId of ['v', 'w']) expect(failOn(trial, 'bad', { tenantId })).toBe(true);
    expect(failOn(trial, 'bad', { tenantId: 'y' })).toBe(true);
  });

  test('when most of the cluster fails, nobody is shut out', () => {
    const trial = new MatchTrial({ freeLaunchFailures: 0 });
    const fails = () => failOn(trial, 'only', { tenantId: 't', reason: 'CONTAINER_LAUNCH_FAILED' });
    for (let n = 0; n < 6; n += 1) expect(fails()).toBe(true);
  });
});
