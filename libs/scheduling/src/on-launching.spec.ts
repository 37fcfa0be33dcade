import { beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState, type LaunchStops } from '@juice/contracts';
import { benchOffer, createCoreBench, type CoreBench } from '../testing/core-bench.ts';
import { offerOf } from '../testing/samples.ts';
import { whyWaiting, type Commands, type Offer } from './index.ts';

const nothing: LaunchStops = { all: null, roles: new Map() };
const all: LaunchStops = { all: 'the rack is moved', roles: new Map() };
const batch: LaunchStops = { all: null, roles: new Map([['batch', 'it is day']]) };

let world: CoreBench;
beforeEach(() => {
  world = createCoreBench();
});

function set(stops: LaunchStops, atMs = 5): Commands {
  return world.frame({ kind: 'launching.switched', atMs, stops });
}

function offer(offers: readonly Offer[] = [benchOffer], atMs = 10): Commands {
  return world.frame({ kind: 'offers.received', atMs, offers });
}

const kinds = ({ call }: Commands): string[] => call.map(({ kind }) => kind);

describe('while launching is stopped', () => {
  test('nothing is launched, and offers go back as when there is nothing to launch', () => {
    set(all);
    world.frame(world.load(world.table.insert({})));
    expect(kinds(offer())).toEqual([]);
    const { idleRefuseSeconds: refuseSeconds } = world.state.policy;
    expect(world.tick(60_000).call.filter(({ kind }) => kind !== 'reconcile')).toEqual([
      { kind: 'decline', offerIds: ['o1'], refuseSeconds },
      { kind: 'suppress' },
    ]);
    // New work wakes nobody up.
    expect(kinds(world.frame(world.load(world.table.insert({}), 70_000)))).toEqual([]);
  });

  test('it ends with the frame that the stop is in, whatever else is in it', () => {
    const task = world.table.insert({});
    const offers = { kind: 'offers.received', atMs: 10, offers: [benchOffer] } as const;
    const out = world.frame(world.load(task), offers, { kind: 'launching.switched', atMs: 10, stops: all });
    expect(out.persist).toEqual([]);
    expect(out.call).toEqual([]);
  });

  test('what runs is followed, and killed where that is asked for', () => {
    const id = world.launch({ retry: 1 });
    set(all, 12);
    expect(world.say(id, 'TASK_RUNNING').persist).toMatchObject([{ status: TaskState.RUNNING }]);
    for (const { task } of world.table.rows.values()) {
      world.table.requestKill(task.taskId);
      expect(kinds(world.frame(world.load(task, 30)))).toEqual(['kill']);
    }
    expect(world.say(id, 'TASK_KILLED').persist).toMatchObject([{ status: TaskState.KILLED }]);
  });

  test('a new subscription does not lift it', () => {
    set(all);
    world.frame(world.load(world.table.insert({})));
    world.frame({ kind: 'cluster.disconnected', atMs: 6 });
    world.frame({ kind: 'cluster.subscribed', atMs: 7, frameworkId: 'f' });
    expect(kinds(offer())).toEqual([]);
  });

  test('whoever asks why is told the operator’s reason', () => {
    set(all);
    const task = world.table.insert({ expireAtMs: 86_400_000 });
    world.frame(world.load(task));
    expect(whyWaiting(world.state, task.taskId, 20).summary).toBe('launching is stopped: the rack is moved');
  });
});

describe('once it is lifted', () => {
  test('what was offered meanwhile is used at once', () => {
    set(all);
    world.frame(world.load(world.table.insert({})));
    offer();
    expect(kinds(set(nothing, 20))).toEqual(['accept']);
  });

  test('the master is asked for what was declined', () => {
    set(all);
    world.frame(world.load(world.table.insert({})));
    offer();
    world.tick(60_000);
    expect(kinds(set(nothing, 61_000))).toEqual(['revive']);
  });

  test('with nothing that waits the master is left in peace', () => {
    set(all);
    offer();
    world.tick(60_000);
    expect(kinds(set(nothing, 61_000))).toEqual([]);
  });

  test('what changes nothing asks for nothing', () => {
    world.frame(world.load(world.table.insert({ needs: { ...offerNeeds, cpuMillis: 64_000 } })));
    offer();
    world.tick(60_000);
    expect(kinds(set(nothing, 61_000))).toEqual([]);
  });
});

const offerNeeds = { cpuMillis: 1_000, memMb: 1, diskMb: 0, gpus: 0, ports: 0, hostPorts: [] };

describe('while launching is stopped for a role', () => {
  const ofBatch = offerOf({ offerId: 'o2', agentId: 'agent-2', role: 'batch' });
  const ofDay = offerOf({ offerId: 'o3', agentId: 'agent-3', role: 'day' });

  test('its offers are not used, and those of other roles are', () => {
    set(batch);
    world.frame(world.load(world.table.insert({})));
    expect(kinds(offer([ofBatch]))).toEqual([]);
    const { call } = offer([ofDay]);
    expect(call).toMatchObject([{ kind: 'accept', offerIds: ['o3'] }]);
  });

  test('it is told to those it keeps waiting', () => {
    set(batch);
    const [picky, any] = ['batch', '*'].map((role) => world.table.insert({ role, expireAtMs: 86_400_000 }));
    if (picky === undefined || any === undefined) throw new Error('not inserted');
    world.frame(world.load(picky), world.load(any));
    offer([ofBatch]);
    const sentence = 'launching on offers of the role batch is stopped: it is day';
    expect(whyWaiting(world.state, picky.taskId, 20).summary).toBe(sentence);
    expect(whyWaiting(world.state, any.taskId, 20).summary).toBe(
      `none of the 1 agent that could hold it takes it now: 1 agent with nothing offered now; ${sentence}`,
    );
  });
});
