import type { ClusterState } from './cluster-state.ts';
import { loseStream } from './frameworks.ts';
import { planMaintenance } from './maintenance.ts';
import { drain, loseAgent, markGone, reactivate, restartMaster, returnAgent, unregister } from './membership.ts';
import { timeInfo } from './reconciliation.ts';

/** What can happen to a cluster. */
export type Fault =
  | { readonly kind: 'stream.dropped'; readonly frameworkId: string | null }
  | { readonly kind: 'agent.lost'; readonly index: number; readonly noticeAfterMs: number }
  | {
      readonly kind: 'agent.returned' | 'agent.gone' | 'agent.unregistered' | 'agent.drained' | 'agent.reactivated';
      readonly index: number;
    }
  /** Maintenance is planned, from an instant on, for so long (null: nobody knows); or called off. */
  | {
      readonly kind: 'agent.maintenance';
      readonly index: number;
      readonly startMs: number;
      readonly durationMs: number | null;
    }
  | { readonly kind: 'agent.maintenance.ended'; readonly index: number }
  | {
      readonly kind: 'master.restarted';
      readonly masterId: string;
      readonly recoverMs: number;
      readonly agentsBackMs: number;
    }
  | { readonly kind: 'updates.distorted'; readonly duplicate: boolean; readonly delayMs: number }
  /**
   * The next update of a task (null: of any) is one that no client can read. It is the same whenever it is sent, which is
   * until it is acknowledged. Reconciliation answers, which are the master's own, stay readable.
   */
  | { readonly kind: 'update.garbled'; readonly taskId: string | null };

export function suffer(state: ClusterState, fault: Fault): void {
  switch (fault.kind) {
    case 'stream.dropped':
      for (const [streamId, frameworkId] of [...state.streams]) {
        if (fault.frameworkId !== null && fault.frameworkId !== frameworkId) continue;
        state.effects.push({ kind: 'end', streamId, abrupt: true });
        loseStream(state, streamId);
      }
      return;
    case 'master.restarted':
      return restartMaster(state, fault);
    case 'updates.distorted':
      state.updateFaults.duplicate = fault.duplicate;
      state.updateFaults.delayMs = fault.delayMs;
      return;
    case 'update.garbled':
      state.updateFaults.toGarble.push(fault.taskId);
      return;
    default:
      return sufferAgent(state, fault);
  }
}

function sufferAgent(state: ClusterState, fault: Extract<Fault, { kind: `agent.${string}` }>): void {
  const agent = state.agents[fault.index];
  if (agent === undefined) return;
  switch (fault.kind) {
    case 'agent.lost':
      return loseAgent(state, agent, fault.noticeAfterMs);
    case 'agent.returned':
      return returnAgent(state, agent);
    case 'agent.gone':
      return markGone(state, agent);
    case 'agent.unregistered':
      return unregister(state, agent);
    case 'agent.drained':
      return drain(state, agent);
    case 'agent.reactivated':
      return reactivate(state, agent);
    case 'agent.maintenance': {
      const duration = fault.durationMs === null ? {} : { duration: timeInfo(fault.durationMs) };
      return planMaintenance(state, agent, { start: timeInfo(fault.startMs), ...duration });
    }
    case 'agent.maintenance.ended':
      return planMaintenance(state, agent, null);
  }
}
