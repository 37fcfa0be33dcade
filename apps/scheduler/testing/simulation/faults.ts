import type { Chance } from './chance.ts';
import type { Leaders } from './leaders.ts';
import type { Ledger } from './ledger.ts';
import { agentCount, type SimulatedCluster } from './simulated-cluster.ts';
import type { Database } from './simulated-store.ts';
import type { Timeline } from './timeline.ts';

export interface Faults {
  happen(): void;
  /** Everything works from now on, and agents that may come back do. */
  end(): void;
}

/** What goes wrong. Agents 0 and 1 are never lost for good, so that every history can end. */
export function createFaults(deps: {
  timeline: Timeline;
  chance: Chance;
  ledger: Ledger;
  database: Database;
  cluster: SimulatedCluster;
  leaders: Leaders;
}): Faults {
  const { timeline, chance, ledger, database, cluster, leaders } = deps;
  let masters = 1;
  let ended = false;

  const later = (ms: number, what: () => void): void =>
    timeline.after(ms, () => {
      if (!ended) what();
    });

  function loseAgent(): void {
    const index = chance.below(agentCount);
    cluster.fault({ kind: 'agent.lost', index, noticeAfterMs: chance.happens(0.4) ? 0 : chance.between(1, 3_000) });
    later(chance.between(500, 25_000), () => cluster.fault({ kind: 'agent.returned', index }));
  }

  function loseAgentForGood(): void {
    const index = 2 + chance.below(agentCount - 2);
    cluster.fault({ kind: chance.happens(0.5) ? 'agent.gone' : 'agent.unregistered', index });
    cluster.executors.powerOff(index);
  }

  function drainAgent(): void {
    const index = chance.below(agentCount);
    cluster.fault({ kind: 'agent.drained', index });
    timeline.after(chance.between(500, 4_000), () => cluster.fault({ kind: 'agent.reactivated', index }));
  }

  function crash(): void {
    const leader = leaders.leader();
    const operations = 1 + chance.below(12);
    const when = chance.happens(0.5) ? 'before' : 'after';
    ledger.note(`[${leader?.epoch}] dies ${when} operation ${operations} from now`);
    leader?.dieAt(operations, when);
  }

  function restartMaster(): void {
    masters += 1;
    const [recoverMs, agentsBackMs] = [chance.between(1, 1_500), chance.between(200, 9_500)];
    cluster.fault({ kind: 'master.restarted', masterId: `M${masters}`, recoverMs, agentsBackMs });
  }

  function troubleNetwork(): void {
    cluster.trouble = 0.4;
    later(chance.between(100, 2_000), () => (cluster.trouble = 0));
  }

  function troubleDatabase(): void {
    database.trouble = 0.5;
    later(chance.between(100, 2_000), () => (database.trouble = 0));
  }

  function loseBus(): void {
    database.isBusAway = true;
    later(chance.between(500, 15_000), () => (database.isBusAway = false));
  }

  function distortUpdates(): void {
    cluster.fault({ kind: 'updates.distorted', duplicate: chance.happens(0.6), delayMs: chance.between(0, 1_500) });
    later(chance.between(500, 4_000), stopDistorting);
  }

  function planMaintenance(): void {
    const index = chance.below(agentCount);
    const startMs = timeline.now() + chance.between(-1_000, 12_000);
    const durationMs = chance.happens(0.5) ? null : chance.between(500, 8_000);
    cluster.fault({ kind: 'agent.maintenance', index, startMs, durationMs });
    later(chance.between(1_000, 15_000), () => cluster.fault({ kind: 'agent.maintenance.ended', index }));
  }

  function stopDistorting(): void {
    cluster.fault({ kind: 'updates.distorted', duplicate: false, delayMs: 0 });
  }

  const kinds: readonly (readonly [weight: number, what: () => void])[] = [
    [3, () => cluster.fault({ kind: 'stream.dropped', frameworkId: null })],
    [4, loseAgent],
    [1, loseAgentForGood],
    [1, drainAgent],
    [5, crash],
    [2, () => leaders.leader()?.die()],
    [3, () => leaders.elect()],
    [2, restartMaster],
    [3, troubleNetwork],
    [2, troubleDatabase],
    [1, loseBus],
    [3, distortUpdates],
    [2, () => cluster.stall(chance.between(200, 4_000))],
    [1, planMaintenance],
    [3, () => cluster.fault({ kind: 'update.garbled', taskId: null })],
  ];

  return {
    happen() {
      let at = chance.below(kinds.reduce((sum, [weight]) => sum + weight, 0));
      for (const [weight, what] of kinds) {
        if (at < weight) return what();
        at -= weight;
      }
    },
    end() {
      ended = true;
      cluster.trouble = 0;
      database.trouble = 0;
      database.isBusAway = false;
      stopDistorting();
      leaders.leader()?.dieAt(Infinity, 'before');
      for (let index = 0; index < agentCount; index += 1) {
        cluster.fault({ kind: 'agent.reactivated', index });
        cluster.fault({ kind: 'agent.returned', index });
        cluster.fault({ kind: 'agent.maintenance.ended', index });
      }
    },
  };
}
