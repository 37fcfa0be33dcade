import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  agentSetup,
  createBench,
  scalars,
  task,
  type Bench,
  type BenchFramework,
} from '../../testing/clockless-framework.ts';
import type { Agent, ExecutorReport, Framework } from './cluster-state.ts';
import { addBags, containsBag, emptyBag, millisOf, type Bag } from './resources.ts';

/** One thing that happens; numbers choose among what is there. */
type Move =
  | { readonly kind: 'subscribe' | 'leave' | 'teardown' | 'revive' | 'suppress' | 'reconcile'; readonly who: number }
  | { readonly kind: 'launch'; readonly who: number; readonly tasks: number; readonly cpus: number }
  | { readonly kind: 'decline'; readonly who: number; readonly seconds: number }
  | { readonly kind: 'acknowledge' | 'kill'; readonly who: number; readonly task: number }
  | { readonly kind: 'run' | 'exit' | 'fail'; readonly task: number }
  | { readonly kind: 'lose' | 'return' | 'drain' | 'reactivate' | 'plan' | 'unplan'; readonly agent: number }
  | { readonly kind: 'answer'; readonly who: number; readonly seconds: number }
  | { readonly kind: 'garble' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'pass'; readonly ms: number };

const small = fc.nat({ max: 1 });
const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), who: small }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('leave' as const, 'teardown' as const), who: small }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('revive' as const, 'suppress' as const, 'reconcile' as const),
      who: small,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('launch' as const),
      who: small,
      tasks: fc.nat({ max: 3 }),
      cpus: fc.constantFrom(0.1, 0.2, 1, 3.9, 9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('decline' as const), who: small, seconds: fc.constantFrom(0, 1, 60) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), who: small, task: fc.nat({ max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), who: small, task: fc.nat({ max: 20 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('run' as const, 'exit' as const, 'exit' as const, 'fail' as const),
      task: fc.nat({ max: 20 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('lose' as const, 'return' as const, 'drain' as const, 'reactivate' as const),
      agent: fc.nat({ max: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('plan' as const, 'plan' as const, 'unplan' as const),
      agent: fc.nat({ max: 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('answer' as const), who: small, seconds: fc.constantFrom(0, 1, 60) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'garble' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 100, 1100, 12_000, 700_000) }),
  },
);

interface History {
  readonly bench: Bench;
  readonly frameworks: (BenchFramework | undefined)[];
  readonly ids: string[];
  /** Tasks whose processes have ended: an executor says so once. */
  readonly over: Set<string>;
}

function live(history: History, move: Move): void {
  const { bench, frameworks, ids } = history;
  const framework = 'who' in move ? frameworks[move.who] : undefined;
  const id = 'task' in move ? (ids[move.task % Math.max(1, ids.length)] ?? 'none') : 'none';
  switch (move.kind) {
    case 'subscribe': {
      const known = framework === undefined ? {} : { id: framework.id };
      const fresh = bench.subscribe({ ...known, framework: { failover_timeout: 30 } });
      // An id that is gone is given up.
      frameworks[move.who] = fresh.id === '' ? undefined : fresh;
      return;
    }
    case 'leave':
      return framework?.leave();
    case 'teardown':
      return void framework?.call({ type: 'TEARDOWN' });
    case 'revive':
    case 'suppress':
      return void framework?.call({ type: move.kind.toUpperCase() });
    case 'reconcile':
      return void framework?.call({ type: 'RECONCILE', reconcile: {} });
    case 'launch': {
      const [offer] = [...bench.cluster.state.offers.values()].filter((each) => each.framework.id === framework?.id);
      if (offer === undefined) return;
      const fresh = Array.from({ length: move.tasks }, () => `t${ids.length + 1}`).map(
        (name, index) => `${name}-${index}`,
      );
      ids.push(...fresh);
      const task_infos = fresh.map((name) => task(name, offer.agent.id, scalars(move.cpus, 64)));
      const operations = [{ type: 'LAUNCH', launch: { task_infos } }];
      framework?.call({ type: 'ACCEPT', accept: { offer_ids: [{ value: offer.id }], operations } });
      return;
    }
    case 'decline':
      return framework?.decline(move.seconds);
    case 'acknowledge':
      return framework?.acknowledge(id);
    case 'kill':
      return void framework?.call({ type: 'KILL', kill: { task_id: { value: id } } });
    case 'run':
      return history.over.has(id) ? undefined : bench.report(id, { kind: 'running', pid: 1 });
    case 'exit':
      return endOnce(history, id, { kind: 'exited', what: 'Command', exit: 0 });
    case 'fail':
      return endOnce(history, id, { kind: 'failed', message: 'no', reason: 'REASON_CONTAINER_LAUNCH_FAILED' });
    case 'lose':
      return bench.fault({ kind: 'agent.lost', index: move.agent, noticeAfterMs: 5000 });
    case 'return':
      return bench.fault({ kind: 'agent.returned', index: move.agent });
    case 'drain':
      return bench.fault({ kind: 'agent.drained', index: move.agent });
    case 'reactivate':
      return bench.fault({ kind: 'agent.reactivated', index: move.agent });
    case 'plan':
      return bench.fault({ kind: 'agent.maintenance', index: move.agent, startMs: ids.length, durationMs: null });
    case 'unplan':
      return bench.fault({ kind: 'agent.maintenance.ended', index: move.agent });
    case 'answer': {
      const inverse_offer_ids = [...bench.cluster.state.inverseOffers.keys()].map((value) => ({ value }));
      const answered = { inverse_offer_ids, filters: { refuse_seconds: move.seconds } };
      return void framework?.call({ type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: answered });
    }
    case 'garble':
      return bench.fault({ kind: 'update.garbled', taskId: null });
    case 'restart':
      return bench.fault({ kind: 'master.restarted', masterId: `M${ids.length}`, recoverMs: 50, agentsBackMs: 500 });
    case 'pass':
      return bench.pass(move.ms);
  }
}

function endOnce({ bench, over }: History, id: string, report: ExecutorReport): void {
  const wasLaunched = bench.effects.some((effect) => effect.kind === 'launch' && effect.task.task_id.value === id);
  if (!wasLaunched || over.has(id)) return;
  over.add(id);
  bench.report(id, report);
}

function begin(): History {
  const bench = createBench([agentSetup(0), agentSetup(1)]);
  return { bench, frameworks: [bench.subscribe()], ids: [], over: new Set() };
}

const held = (agent: Agent): Bag =>
  [
    ...[...agent.offers].map((offer) => offer.bag),
    ...[...agent.tasks.values()].filter((each) => !each.freed).map((each) => each.bag),
  ].reduce(addBags, emptyBag);

function checkBooks({ cluster: { state } }: Bench): void {
  for (const agent of state.agents) {
    const sum = addBags(agent.free, held(agent));
    expect([agent.id, containsBag(agent.total, sum), containsBag(sum, agent.total)]).toEqual([agent.id, true, true]);
    for (const offer of agent.offers) expect(state.offers.get(offer.id)).toBe(offer);
    for (const booked of agent.tasks.values()) {
      expect(booked.framework.tasks.get(booked.id)).toBe(booked);
      expect(state.frameworks.get(booked.framework.id)).toBe(booked.framework);
    }
    for (const run of agent.runs.values()) expect(state.runs.get(run.containerId)).toBe(run);
  }
  for (const framework of state.frameworks.values()) expect(framework.cpuMillis).toBe(cpusOf(state.agents, framework));
  for (const offer of state.offers.values()) expect(offer.framework.streamId).not.toBeNull();
  const inverse = [...state.inverseOffers.values()];
  for (const { framework, agent } of inverse) {
    expect([framework.streamId === null, agent.unavailability === null, agent.membership]).toEqual([
      false,
      false,
      'registered',
    ]);
  }
  expect(new Set(inverse.map(({ framework, agent }) => `${framework.id} ${agent.id}`)).size).toBe(inverse.length);
}

function cpusOf(agents: readonly Agent[], framework: Framework): number {
  const own = agents.flatMap((agent) => [
    ...[...agent.offers].filter((offer) => offer.framework === framework),
    ...[...agent.tasks.values()].filter((each) => each.framework === framework && !each.freed),
  ]);
  return own.reduce((sum, { bag }) => sum + millisOf(bag, 'cpus'), 0);
}

test('whatever happens, every resource is free, offered or used, once', () => {
  fc.assert(
    fc.property(fc.array(moves, { minLength: 20, maxLength: 60 }), (history) => {
      const lived = begin();
      for (const move of history) {
        live(lived, move);
        checkBooks(lived.bench);
      }
    }),
    { numRuns: 150 },
  );
});

test('the same inputs give the same effects', () => {
  fc.assert(
    fc.property(fc.array(moves, { minLength: 10, maxLength: 40 }), (history) => {
      const outcomes = [begin(), begin()].map((lived) => {
        for (const move of history) live(lived, move);
        return JSON.stringify([lived.bench.effects, lived.frameworks.map((framework) => framework?.events)]);
      });
      expect(outcomes[0]).toBe(outcomes[1]);
    }),
    { numRuns: 100 },
  );
});

// Whoever acknowledges every update, and waits until agents and executors have had their say, is left with nothing open.
test('when all is told and acknowledged, no task is left and everything is on offer', () => {
  fc.assert(
    fc.property(fc.array(moves, { minLength: 10, maxLength: 40 }), (history) => {
      const lived = begin();
      for (const move of history) live(lived, move);
      settle(lived);
      const { state } = lived.bench.cluster;
      expect([...state.runs.values()].map((run) => [run.task.task_id.value, run.state, run.ending])).toEqual([]);
      expect(state.agents.map((agent) => [agent.id, [...agent.tasks.keys()]])).toEqual([
        ['A0', []],
        ['A1', []],
      ]);
    }),
    { numRuns: 200 },
  );
});

function settle(history: History): void {
  const { bench, ids, frameworks } = history;
  const { state } = bench.cluster;
  bench.pass(700_000);
  for (const index of [0, 1]) bench.fault({ kind: 'agent.returned', index });
  const own = [...state.frameworks.keys()].map((id) => bench.subscribe({ id }));
  for (let round = 0; round < 5; round++) {
    for (const id of ids) endOnce(history, id, { kind: 'exited', what: 'Command', exit: 0 });
    for (const framework of [...own, ...frameworks]) for (const id of ids) framework?.acknowledge(id);
    bench.pass(10);
  }
}
