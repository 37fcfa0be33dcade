import { createMemoryLog } from '@juice/persistence/testing';
import { TaskTable } from '@juice/scheduling/testing';
import { createMemoryOutboxes } from '../memory-outboxes.ts';
import { createChance, type Chance } from './chance.ts';
import { createEventReaders } from './event-readers.ts';
import { createFaults } from './faults.ts';
import { createLeaders, type Mutant } from './leaders.ts';
import { Ledger } from './ledger.ts';
import { createSimulatedCluster } from './simulated-cluster.ts';
import type { Database } from './simulated-store.ts';
import { createTenants, type Queue } from './tenants.ts';
import { createTimeline, type Timeline } from './timeline.ts';

export interface HistoryOutcome {
  readonly violations: readonly string[];
  readonly trace: readonly string[];
}

const startMs = Date.UTC(2026, 0, 1);
const calmestMs = 120_000;

/**
 * One history of a scheduler, decided by its seed: tenants submit and kill, processes lead, crash and are replaced, the
 * database, the network and the cluster fail. Then the faults end, and the clock runs until all is done. The real term
 * runs in it, from SUBSCRIBE to the last call; what surrounds it is simulated, and time jumps.
 */
export async function playHistory(seed: number, mutant: Mutant = (deps) => deps): Promise<HistoryOutcome> {
  const chance = createChance(seed);
  const timeline = createTimeline(startMs);
  const database: Database = {
    table: new TaskTable(),
    specs: new Map(),
    outboxes: createMemoryOutboxes(),
    log: createMemoryLog(),
    framework: { id: null, epoch: 0 },
    quarantine: new Set(),
    trouble: 0,
    isBusAway: false,
  };
  const ledger = new Ledger(database, () => timeline.now() - startMs);
  database.log.onBroken = (text) => ledger.violate(text);
  const readers = createEventReaders({ timeline, chance, ledger, database });
  const cluster = createSimulatedCluster({ timeline, chance, ledger });
  const leaders = createLeaders({ timeline, chance, ledger, database, cluster, mutant });
  const tell = (queue: Queue, body: unknown): void => leaders.tell(queue, body);
  const tenants = createTenants({ timeline, chance, ledger, database, cluster, tell });
  const faults = createFaults({ timeline, chance, ledger, database, cluster, leaders });

  leaders.elect();
  const chaosMs = chance.between(8_000, 30_000);
  const until = startMs + chaosMs;
  nowAndThen({ timeline, chance, until, pauseMs: 1_200 }, () => tenants.submit());
  nowAndThen({ timeline, chance, until, pauseMs: 4_000 }, () => tenants.killAny());
  nowAndThen({ timeline, chance, until, pauseMs: chance.between(500, 3_000) }, () => faults.happen());
  await timeline.run(until);

  faults.end();
  ledger.note('the faults are over');
  const isDone = (): boolean =>
    cluster.executors.running().length === 0 &&
    cluster.held().length === 0 &&
    database.outboxes.isEmpty() &&
    [...database.table.rows.values()].every((row) => row.ended);
  for (let waitedMs = 0; waitedMs < calmestMs && !isDone(); waitedMs += 4_000) {
    tenants.killEndless();
    await timeline.run(timeline.now() + 4_000);
  }
  await readers.close();
  ledger.close({
    running: cluster.executors.running().map(({ mesosTaskId }) => mesosTaskId),
    unacknowledged: cluster.held(),
  });
  return { violations: ledger.violations, trace: ledger.trace };
}

function nowAndThen(
  when: { timeline: Timeline; chance: Chance; until: number; pauseMs: number },
  what: () => void,
): void {
  const { timeline, chance, until, pauseMs } = when;
  timeline.after(chance.between(0, 2 * pauseMs), () => {
    if (timeline.now() >= until) return;
    what();
    nowAndThen(when, what);
  });
}
