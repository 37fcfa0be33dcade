import { describe, expect, test } from '@jest/globals';
import {
  agentSetup,
  createBench,
  scalars,
  task,
  type Bench,
  type BenchFramework,
} from '../../testing/clockless-framework.ts';

const running = { kind: 'running', pid: 1 } as const;
const done = { kind: 'exited', what: 'Command', exit: 0 } as const;
const start = { kind: 'agent.maintenance', index: 0, startMs: 2_000_000_000_000, durationMs: 3_600_000 } as const;
const end = { kind: 'agent.maintenance.ended', index: 0 } as const;
const window = { start: { nanoseconds: 2e18 }, duration: { nanoseconds: 3.6e12 } };

/** The types of what has come, without heartbeats. */
function types(framework: BenchFramework): string[] {
  return framework.news().flatMap(({ type }) => (type === 'HEARTBEAT' ? [] : [type]));
}

/** The ids of the inverse offers that were made. */
function asked({ events }: BenchFramework): string[] {
  return events.flatMap((event) =>
    event.type === 'INVERSE_OFFERS' ? event.inverse_offers.inverse_offers.map(({ id }) => id.value) : [],
  );
}

/** A framework with a task of 1 cpu on agent 0, which is to be maintained. */
function begin(bench: Bench, framework = bench.subscribe()): BenchFramework {
  framework.accept([task('t')], 600);
  bench.report('t', running);
  for (const _of of [1, 2]) framework.acknowledge('t');
  bench.fault(start);
  return framework;
}

function answer(framework: BenchFramework, type: 'ACCEPT' | 'DECLINE', refuse_seconds?: number): number {
  const inverse_offer_ids = asked(framework)
    .slice(-1)
    .map((value) => ({ value }));
  const filters = refuse_seconds === undefined ? undefined : { refuse_seconds };
  const body = { inverse_offer_ids, filters };
  return type === 'ACCEPT'
    ? framework.call({ type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: body })
    : framework.call({ type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: body });
}

describe('planned maintenance', () => {
  test('rescinds what was offered, offers it anew with the plan, and asks for what is held', () => {
    const bench = createBench([agentSetup(0), agentSetup(1)]);
    const framework = bench.subscribe();
    framework.news();
    bench.fault(start);
    const [rescind, offers, inverse, ...others] = framework.news();
    expect(others).toEqual([]);
    expect(rescind).toEqual({ type: 'RESCIND', rescind: { offer_id: { value: 'M-O0' } } });
    expect(offers).toMatchObject({ offers: { offers: [{ agent_id: { value: 'A0' }, unavailability: window }] } });
    expect(inverse).toEqual({
      type: 'INVERSE_OFFERS',
      inverse_offers: {
        inverse_offers: [
          {
            id: { value: 'M-O3' },
            framework_id: { value: framework.id },
            agent_id: { value: 'A0' },
            unavailability: window,
            resources: [],
          },
        ],
      },
    });
  });

  test('has no end where none is known, and other agents have no part in it', () => {
    const bench = createBench([agentSetup(0), agentSetup(1)]);
    const framework = bench.subscribe();
    framework.news();
    bench.fault({ ...start, index: 1, durationMs: null });
    const offers = framework.events.flatMap((event) => (event.type === 'OFFERS' ? event.offers.offers : []));
    expect(offers.map(({ agent_id, unavailability }) => [agent_id.value, unavailability])).toEqual([
      ['A0', undefined],
      ['A1', undefined],
      ['A1', { start: window.start }],
    ]);
  });

  test('only those are asked who hold something there; suppressed they are asked as well', () => {
    const bench = createBench([agentSetup(0), agentSetup(1)]);
    const holder = bench.subscribe();
    holder.call({ type: 'SUPPRESS' });
    const [first] = [...bench.cluster.state.offers.values()];
    const operations = [{ type: 'LAUNCH', launch: { task_infos: [task('t', 'A0', scalars(4, 1024))] } }];
    holder.call({ type: 'ACCEPT', accept: { offer_ids: [{ value: first?.id }], operations } });
    const other = bench.subscribe();
    for (const framework of [holder, other]) framework.news();
    bench.fault(start);
    bench.pass(10_000);
    expect([types(holder), types(other)]).toEqual([['INVERSE_OFFERS'], []]);
  });

  test('one is asked once, until one has answered', () => {
    const bench = createBench();
    const framework = begin(bench);
    framework.news();
    bench.pass(60_000);
    expect(types(framework)).toEqual([]);
  });

  test.each(['ACCEPT', 'DECLINE'] as const)('after an %s one is asked again when its filter is over', (type) => {
    for (const [refuse, passedMs, again] of [
      [undefined, 4900, 0],
      [undefined, 6000, 1],
      [-1, 4900, 0],
      [0, 1000, 1],
      [600, 599_000, 0],
      [600, 601_000, 1],
    ] as const) {
      const bench = createBench();
      const framework = begin(bench);
      expect(answer(framework, type, refuse)).toBe(202);
      bench.pass(passedMs);
      expect([refuse, passedMs, asked(framework).length]).toEqual([refuse, passedMs, 1 + again]);
    }
  });

  test('who holds nothing any more is not asked again', () => {
    const bench = createBench();
    const framework = bench.subscribe();
    framework.accept([task('t', 'A0', scalars(4, 1024))]);
    framework.call({ type: 'SUPPRESS' });
    bench.report('t', running);
    for (const _of of [1, 2]) framework.acknowledge('t');
    bench.fault(start);
    answer(framework, 'DECLINE', 0);
    bench.report('t', done);
    bench.pass(60_000);
    expect(asked(framework)).toHaveLength(1);
  });

  test('REVIVE lifts the filters of answers too', () => {
    const bench = createBench();
    const framework = begin(bench);
    answer(framework, 'DECLINE', 600);
    framework.call({ type: 'REVIVE' });
    expect(asked(framework)).toHaveLength(2);
  });

  test('an answer to what does not stand, or is another’s, means nothing', () => {
    const bench = createBench();
    const framework = begin(bench);
    const other = bench.subscribe();
    const inverse_offer_ids = [{ value: 'none' }, ...asked(framework).map((value) => ({ value }))];
    expect(other.call({ type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: { inverse_offer_ids } })).toBe(202);
    expect([...bench.cluster.state.inverseOffers.keys()]).toEqual(expect.arrayContaining(asked(framework)));
  });

  test('called off: what was asked and offered is rescinded, and offered without the plan', () => {
    const bench = createBench();
    const framework = begin(bench);
    framework.news();
    bench.fault(end);
    const news = framework.news();
    expect(news.map(({ type }) => type)).toEqual(['RESCIND_INVERSE_OFFER']);
    expect(news[0]).toMatchObject({ rescind_inverse_offer: { inverse_offer_id: { value: asked(framework)[0] } } });
    bench.pass(600_000);
    const last = framework.events.filter(({ type }) => type === 'OFFERS').at(-1);
    expect(last).toMatchObject({ offers: { offers: [{ agent_id: { value: 'A0' } }] } });
    expect(JSON.stringify(last)).not.toContain('unavailability');
    expect(asked(framework)).toHaveLength(1);
  });

  test('planned anew it is asked for anew, whatever was answered', () => {
    const bench = createBench();
    const framework = begin(bench);
    answer(framework, 'ACCEPT', 600);
    framework.news();
    bench.fault({ ...start, startMs: 2_000_000_000_001 });
    expect(types(framework)).toEqual(['INVERSE_OFFERS']);
  });

  test('a lost agent’s is rescinded; it is planned still when it is back', () => {
    const bench = createBench();
    const framework = begin(bench);
    framework.news();
    bench.fault({ kind: 'agent.lost', index: 0, noticeAfterMs: 0 });
    expect(types(framework)).toEqual(['UPDATE', 'RESCIND_INVERSE_OFFER', 'FAILURE']);
    bench.fault({ kind: 'agent.returned', index: 0 });
    bench.pass(5);
    expect(types(framework)).toEqual(['UPDATE', 'OFFERS', 'INVERSE_OFFERS']);
  });

  test('it outlives the master; who subscribes anew is asked anew', () => {
    const bench = createBench();
    const before = begin(bench);
    bench.fault({ kind: 'master.restarted', masterId: 'N', recoverMs: 100, agentsBackMs: 1000 });
    bench.pass(1100);
    const framework = bench.subscribe({ id: before.id });
    expect(asked(framework)).toEqual(['N-O1']);
    answer(framework, 'DECLINE', 600);
    framework.leave();
    expect(asked(bench.subscribe({ id: before.id }))).toHaveLength(1);
  });

  test('draining takes its place', () => {
    const bench = createBench();
    const framework = begin(bench);
    framework.news();
    bench.fault({ kind: 'agent.drained', index: 0 });
    bench.pass(2000);
    expect(types(framework)).toEqual(['RESCIND_INVERSE_OFFER', 'UPDATE']);
  });

  test('what is not answered in time is rescinded and asked again', () => {
    const bench = createBench([agentSetup(0)], { offerTimeoutMs: 2500 });
    const framework = begin(bench);
    framework.news();
    bench.pass(3000);
    expect(types(framework)).toEqual(['RESCIND_INVERSE_OFFER', 'INVERSE_OFFERS']);
  });
});
