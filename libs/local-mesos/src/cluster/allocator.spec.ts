import { describe, expect, test } from '@jest/globals';
import { agentSetup, createBench, scalars, task } from '../../testing/clockless-framework.ts';

const running = { kind: 'running', pid: 1 } as const;
const done = { kind: 'exited', what: 'Command', exit: 0 } as const;

describe('offers', () => {
  test('come with the subscription, one event for all agents', () => {
    const bench = createBench([agentSetup(0), agentSetup(1)]);
    const framework = bench.subscribe();
    expect(framework.events.map(({ type }) => type)).toEqual(['SUBSCRIBED', 'HEARTBEAT', 'OFFERS']);
    expect(framework.offers()).toEqual(['A0: 4, 1024', 'A1: 4, 1024']);
  });

  test('what is freed is offered within milliseconds, what is freed together in one offer', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([task('a', 'A0', scalars(2, 512)), task('b', 'A0', scalars(2, 512))]);
    for (const id of ['a', 'b']) {
      bench.report(id, running);
      framework.acknowledge(id);
      framework.acknowledge(id);
      bench.report(id, done);
    }
    expect(framework.offers()).toEqual([]);
    bench.pass(5);
    expect(framework.offers()).toEqual(['A0: 4, 1024']);
  });

  test('below 0.01 cpus and 32 MB there is nothing to offer', () => {
    const bench = createBench([
      agentSetup(0, scalars(0.009, 31)),
      agentSetup(1, scalars(0.01, 1)),
      agentSetup(2, scalars(0, 32)),
    ]);
    expect(bench.subscribe().offers()).toEqual(['A1: 0.01, 1', 'A2: 32']);
  });

  test('an agent with GPUs is offered to those alone who know GPUs', () => {
    const gpus = { name: 'gpus', type: 'SCALAR', scalar: { value: 1 }, reservations: [] } as const;
    const bench = createBench([agentSetup(0, [...scalars(1, 64), gpus])]);
    expect(bench.subscribe().offers()).toEqual([]);
    const capabilities = [{ type: 'MULTI_ROLE' }, { type: 'GPU_RESOURCES' }] as const;
    expect(bench.subscribe({ framework: { capabilities } }).offers()).toEqual(['A0: 1, 64, 1']);
  });

  test('what is reserved goes to its role and those below it', () => {
    const resources = [...scalars(1, 64), ...scalars(2, 128, 'juice'), ...scalars(3, 256, 'other')];
    const bench = createBench([agentSetup(0, resources)]);
    const framework = bench.subscribe({ framework: { roles: ['juice/tenant'] } });
    expect(framework.offers()).toEqual(['A0: 1, 64, 2, 128']);
    const [event] = framework.events.filter(({ type }) => type === 'OFFERS');
    const [offer] = event?.type === 'OFFERS' ? event.offers.offers : [];
    expect(offer?.resources.map(({ reservations, allocation_info }) => [reservations, allocation_info])).toEqual([
      [[{ type: 'STATIC', role: 'juice' }], { role: 'juice/tenant' }],
      [[{ type: 'STATIC', role: 'juice' }], { role: 'juice/tenant' }],
      [[], { role: 'juice/tenant' }],
      [[], { role: 'juice/tenant' }],
    ]);
  });

  test('a framework of the old kind gets resources of the old kind', () => {
    const bench = createBench([agentSetup(0, [...scalars(1, 64), ...scalars(2, 128, 'juice')])]);
    const framework = bench.subscribe({ framework: { roles: [], role: 'juice', capabilities: [] } });
    const [event] = framework.events.filter(({ type }) => type === 'OFFERS');
    const [offer] = event?.type === 'OFFERS' ? event.offers.offers : [];
    expect(offer?.allocation_info).toBeUndefined();
    expect(offer?.resources.map(({ role, allocation_info }) => [role, allocation_info])).toEqual([
      ['juice', undefined],
      ['juice', undefined],
      ['*', undefined],
      ['*', undefined],
    ]);
    const old = task('t', 'A0', [{ name: 'cpus', type: 'SCALAR', scalar: { value: 2 }, role: 'juice' }]);
    framework.accept([old]);
    expect(bench.effects.filter(({ kind }) => kind === 'launch')).toHaveLength(1);
  });

  test('frameworks share: who has less is offered first', () => {
    const bench = createBench([agentSetup(0)]);
    const first = bench.subscribe();
    first.accept([task('a', 'A0', scalars(3, 64))], 1);
    const second = bench.subscribe();
    expect(second.offers()).toEqual(['A0: 1, 960']);
    second.decline(0);
    bench.pass(1000);
    expect(second.offers()).toEqual(['A0: 1, 960']);
  });
});

describe('filters', () => {
  test('a decline is 5 seconds by default, at least one interval, and not at all with 0', () => {
    for (const [refuse, passedMs, offered] of [
      [undefined, 4900, 0],
      [undefined, 6000, 1],
      [-1, 4900, 0],
      [0.001, 900, 0],
      [0.001, 2000, 1],
      [0, 1000, 1],
      [600, 599_000, 0],
      [600, 601_000, 1],
    ] as const) {
      const bench = createBench();
      const framework = bench.subscribe();
      framework.decline(refuse);
      bench.pass(passedMs);
      expect([refuse, passedMs, framework.offers().length]).toEqual([refuse, passedMs, offered]);
    }
  });

  test('more than what was refused is offered again at once', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([task('a')], 600);
    bench.report('a', running);
    framework.acknowledge('a');
    framework.acknowledge('a');
    bench.pass(100);
    expect(framework.offers()).toEqual([]);
    bench.report('a', done);
    bench.pass(5);
    expect(framework.offers()).toEqual(['A0: 4, 1024']);
  });

  test('are one framework’s own', () => {
    const bench = createBench();
    const first = bench.subscribe();
    first.decline(600);
    expect(bench.subscribe().offers()).toEqual(['A0: 4, 1024']);
  });

  test('end with the connection', () => {
    const bench = createBench();
    const first = bench.subscribe();
    first.decline(600);
    first.leave();
    expect(bench.subscribe({ id: first.id }).offers()).toEqual(['A0: 4, 1024']);
  });

  test('and so do offers, which go to others', () => {
    const bench = createBench();
    const [first, second] = [bench.subscribe(), bench.subscribe()];
    expect(second.offers()).toEqual([]);
    first.leave();
    bench.pass(5);
    expect(second.offers()).toEqual(['A0: 4, 1024']);
  });
});

describe('SUPPRESS and REVIVE', () => {
  test('a suppressed framework gets nothing; what it has it keeps', () => {
    const bench = createBench([agentSetup(0), agentSetup(1)]);
    const framework = bench.subscribe();
    framework.call({ type: 'SUPPRESS' });
    expect(framework.offers()).toHaveLength(2);
    framework.decline(0);
    bench.pass(5000);
    expect(framework.offers()).toEqual([]);
    framework.call({ type: 'REVIVE' });
    expect(framework.offers()).toHaveLength(2);
  });

  test('a subscription may begin suppressed, role by role', () => {
    const bench = createBench([agentSetup(0, [...scalars(1, 64, 'a'), ...scalars(2, 64, 'b')])]);
    const framework = bench.subscribe({ framework: { roles: ['a', 'b'] }, suppressed: ['a'] });
    expect(framework.offers()).toEqual(['A0: 2, 64']);
    framework.call({ type: 'REVIVE', revive: { roles: ['a'] } });
    expect(framework.offers()).toEqual(['A0: 2, 64', 'A0: 1, 64']);
  });

  test('one foreign role voids the whole call, which is accepted all the same', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.decline(600);
    expect(framework.call({ type: 'REVIVE', revive: { roles: ['juice', 'other'] } })).toBe(202);
    expect(framework.offers()).toEqual([]);
    framework.call({ type: 'REVIVE', revive: { roles: ['juice'] } });
    expect(framework.call({ type: 'SUPPRESS', suppress: { roles: ['other'] } })).toBe(202);
    framework.decline(0);
    bench.pass(1000);
    expect(framework.offers()).toHaveLength(1);
  });
});
