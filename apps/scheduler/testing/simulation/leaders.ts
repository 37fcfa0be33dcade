import { DependencyFailure } from '@juice/contracts';
import type { Log } from '@juice/observability';
import { decide, defaultPolicy, type Policy } from '@juice/scheduling';
import { startTerm, type TermDeps } from '../../src/term.ts';
import { plainTenants, unswitched } from '../memory-store.ts';
import type { Chance } from './chance.ts';
import type { Ledger } from './ledger.ts';
import { checkMemory } from './memory-check.ts';
import { createLife, type Life } from './life.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import { createSimulatedStore, type Database } from './simulated-store.ts';
import type { Queue } from './tenants.ts';
import type { Timeline } from './timeline.ts';

/** A term with something wrong in it: what the simulation must notice. */
export type Mutant = (deps: SimulatedTerm) => SimulatedTerm;
export type SimulatedTerm = TermDeps & { readonly decide: typeof decide };

export interface Leaders {
  /** Another process leads from now on, or believes so; those before it are not told. */
  elect(): void;
  /** The youngest process alive. */
  leader(): Life | undefined;
  /** A message of the broker: one of the consumers gets it. */
  tell(queue: Queue, body: unknown): void;
}

/** The defaults, thirty times as fast; attempts are given up sooner still, so that many come back after that. */
export const hastyPolicy: Policy = {
  ...defaultPolicy,
  ...{ offerHoldMs: 300, busyRefuseSeconds: 1, idleRefuseSeconds: 4, reviveIntervalMs: 200, launchNewsMs: 5_000 },
  ...{ askAgainMs: 700, askAgainMostMs: 5_000, lostAfterMs: 3_000, reconcileEveryMs: 12_000 },
  hearsayMs: 1_200,
  ...{ retryPauseMs: 50, retryPauseMostMs: 2_000, avoidHostMs: 500, maintenanceMarginMs: 5_000 },
  ...{ reserveAfterMs: 200, reserveMs: 1_000, quickFailureMs: 300 },
};

const silent: Log = {
  ...{ error: ignore, warn: ignore, info: ignore, debug: ignore, child: () => silent },
  ...{ isEnabled: () => false, close: () => Promise.resolve() },
};

/** Scheduler processes: each one is the real term over simulated surroundings. When none is left, another starts. */
export function createLeaders(deps: {
  timeline: Timeline;
  chance: Chance;
  ledger: Ledger;
  database: Database;
  cluster: SimulatedCluster;
  mutant: Mutant;
}): Leaders {
  const { timeline, chance, ledger, cluster, mutant } = deps;
  const lives: Life[] = [];
  const consumers: { life: Life; queue: Queue; take: (body: unknown) => void }[] = [];

  const living = (): Life[] => lives.filter((life) => life.isAlive());

  function elect(): void {
    const epoch = lives.length + 1;
    const life = createLife(epoch, () => bury(life));
    lives.push(life);
    ledger.note(`[${epoch}] leads`);
    const term = startTerm(mutant(surroundingsOf(life)));
    term.over.catch((error: unknown) => {
      if (!life.isAlive()) return;
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code !== 'FENCED' && code !== 'SUPERSEDED') ledger.violate(`[${epoch}] ended with ${String(error)}`);
      ledger.note(`[${epoch}] ends: ${String(error)}`);
      life.die();
    });
  }

  function bury(life: Life): void {
    ledger.note(`[${life.epoch}] is dead`);
    cluster.hangUp(life);
    if (living().length > 0) return;
    timeline.after(chance.between(50, 1_200), () => {
      if (living().length === 0) elect();
    });
  }

  const hearing: typeof decide = (state, event, out) => {
    if (event.kind === 'offer.rescinded') ledger.heardRescission(event.offerId);
    decide(state, event, out);
  };

  function surroundingsOf(life: Life): SimulatedTerm {
    return {
      // Two may believe to lead: what keeps them apart must be epoch and stream, not the lease.
      leadership: {
        epoch: life.epoch,
        assertLeading: ignore,
        lost: new Promise(ignore),
        release: () => Promise.resolve(),
      },
      ...createSimulatedStore({ ...deps, life }),
      tenants: plainTenants,
      ...unswitched,
      frameworkName: 'juice',
      whenRemoved: 'new-id',
      broker: {
        async publish(_exchange, _routingKey, body) {
          if (deps.database.isBusAway) throw away;
          ledger.published(body as { taskId: string; seq: number });
        },
        consume(queue, _options, onMessage) {
          const take = (body: unknown): void =>
            void onMessage({ body, redelivered: false, ack: ignore, reject: ignore, requeue: ignore });
          consumers.push({ life, queue, take });
          return Promise.resolve({ cancel: () => Promise.resolve() });
        },
      },
      subscribe: (frameworkId) => cluster.subscribe(life, frameworkId),
      policy: hastyPolicy,
      decide: checkMemory(hearing, {
        table: deps.database.table,
        epoch: life.epoch,
        violate: (text) => ledger.violate(text),
      }),
      log: silent,
      now: () => timeline.now(),
      random: () => chance.next(),
      async wait(ms, signal) {
        if (!life.isAlive()) return new Promise(ignore);
        await timeline.wait(ms, signal);
        return life.isAlive() ? undefined : new Promise(ignore);
      },
    };
  }

  return {
    elect,
    leader: () => living().at(-1),
    tell(queue, body) {
      const listening = consumers.filter((consumer) => consumer.queue === queue && consumer.life.isAlive());
      listening[chance.below(listening.length)]?.take(body);
    },
  };
}

const away = new DependencyFailure({
  dependency: 'rabbitmq',
  operation: 'publish',
  retryable: true,
  detail: 'is away',
});

function ignore(): void {
  // Nobody listens.
}
