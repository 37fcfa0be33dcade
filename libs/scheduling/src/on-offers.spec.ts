import { beforeEach, describe, expect, test } from '@jest/globals';
import { benchOffer, createCoreBench, lastWrite, type CoreBench } from '../testing/core-bench.ts';
import { offerOf } from '../testing/samples.ts';
import { createCommands, decide, defaultPolicy, type Commands } from './index.ts';

let world: CoreBench;

beforeEach(() => {
  world = createCoreBench();
});

describe('offers', () => {
  test('that nothing uses are given back, and with nothing waiting the master is asked for silence until there is work', () => {
    world.frame({ kind: 'offers.received', atMs: 100, offers: [benchOffer] });
    expect(world.tick(200).call).toEqual([]);
    expect(world.tick(2_100).call).toEqual([
      { kind: 'decline', offerIds: ['o1'], refuseSeconds: defaultPolicy.idleRefuseSeconds },
      { kind: 'suppress' },
    ]);
    expect(world.frame(world.load(world.table.insert({}), 3_000)).call).toEqual([{ kind: 'revive' }]);
    expect(world.frame(world.load(world.table.insert({}), 3_100)).call).toEqual([]);
  });

  test('are void after a rescission or a new subscription', () => {
    world.frame({ kind: 'offers.received', atMs: 100, offers: [benchOffer] });
    world.frame({ kind: 'offer.rescinded', atMs: 101, offerId: 'o1' });
    expect(world.frame(world.load(world.table.insert({}), 102)).persist).toEqual([]);
  });
});

describe('launches', () => {
  const launched = (out: Commands): number =>
    out.call.reduce((sum, call) => sum + (call.kind === 'accept' ? call.launches.length : 0), 0);

  function offerAll(count: number, atMs: number, backlog = 0): Commands {
    const out = createCommands();
    for (let n = 0; n < count; n += 1) decide(world.state, world.load(world.table.insert({}), atMs), out);
    const big = { ...benchOffer, offerId: `big-${atMs}`, cpuMillis: 1_000_000, memMb: 1_000_000 };
    decide(world.state, { kind: 'offers.received', atMs, offers: [big] }, out);
    decide(world.state, { kind: 'frame.closing', atMs, backlog }, out);
    return out;
  }

  test('are paced over a longer time', () => {
    world.restart({ ...defaultPolicy, launchesPerSecond: 10, launchBurst: 4 });
    world.frame({ kind: 'cluster.subscribed', atMs: 1, frameworkId: 'f' }, { kind: 'takeover.completed', atMs: 1 });
    expect(launched(offerAll(20, 1_000))).toBe(4);
    expect(launched(offerAll(0, 1_050))).toBe(0);
    expect(launched(offerAll(0, 1_300))).toBe(3);
    expect(launched(offerAll(0, 60_000))).toBe(4);
  });

  test('wait while events pile up; acknowledgements do not', () => {
    const id = world.launch();
    expect(launched(offerAll(3, 100, defaultPolicy.backlogMost + 1))).toBe(0);
    const out = createCommands();
    const status = { mesosTaskId: id, state: 'TASK_RUNNING', message: '', reason: null } as const;
    const told = { ...status, agentId: 'agent-1', uuid: 'u', healthy: true };
    decide(world.state, { kind: 'status.received', atMs: 101, status: told }, out);
    decide(world.state, { kind: 'frame.closing', atMs: 101, backlog: defaultPolicy.backlogMost + 1 }, out);
    expect(out.call.map(({ kind }) => kind)).toEqual(['acknowledge']);
  });

  test('leave alone what is about to be taken away, until it is back', () => {
    world.frame(world.load(world.table.insert({})));
    const hour = 3_600_000;
    const unavailability = { fromMs: hour, untilMs: 2 * hour };
    const offered = (offerId: string, atMs: number): Commands =>
      world.frame({ kind: 'offers.received', atMs, offers: [{ ...benchOffer, offerId, unavailability }] });
    expect(launched(offered('o1', hour - defaultPolicy.maintenanceMarginMs + 1))).toBe(0);
    expect(launched(offered('o2', 2 * hour - 1))).toBe(0);
    expect(launched(offered('o3', 2 * hour))).toBe(1);
  });

  test('are made before a maintenance that is far enough away', () => {
    world.frame(world.load(world.table.insert({})));
    const unavailability = { fromMs: 3_600_000, untilMs: Infinity };
    expect(
      launched(world.frame({ kind: 'offers.received', atMs: 10, offers: [{ ...benchOffer, unavailability }] })),
    ).toBe(1);
  });

  test('of a failed task wait a while for another host that could hold it', () => {
    world.frame({ kind: 'offers.received', atMs: 5, offers: [offerOf({ offerId: 'other' })] });
    world.frame({ kind: 'offer.rescinded', atMs: 6, offerId: 'other' });
    const id = world.launch({ retry: 1 });
    world.say(id, 'TASK_FAILED', {}, 100);
    world.frame({ kind: 'offers.received', atMs: 1_000, offers: [{ ...benchOffer, offerId: 'o2' }] });
    expect(world.tick(1_101).persist).toEqual([]);
    const given = world.frame({ kind: 'offers.received', atMs: 16_101, offers: [{ ...benchOffer, offerId: 'o3' }] });
    expect(lastWrite(given)?.change).toMatchObject({ kind: 'launch', agentHost: 'host-1' });
  });
});

describe('an inverse offer', () => {
  test('is granted where nothing of ours runs, and declined for a while elsewhere', () => {
    world.launch();
    const ask = { kind: 'inverse.offered', atMs: 20, inverseOfferId: 'i' } as const;
    const answer = { kind: 'answer inverse', inverseOfferId: 'i', refuseSeconds: defaultPolicy.busyRefuseSeconds };
    expect(world.frame({ ...ask, agentId: 'agent-1' }).call).toEqual([{ ...answer, accept: false }]);
    expect(world.frame({ ...ask, agentId: 'agent-2' }).call).toEqual([{ ...answer, accept: true }]);
  });
});
