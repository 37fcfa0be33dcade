import type { ExecutorReport } from '@juice/local-mesos';
import type { Chance } from './chance.ts';
import type { Ledger } from './ledger.ts';
import type { Timeline } from './timeline.ts';

/** A task's process on an agent. */
export interface Container {
  readonly mesosTaskId: string;
  readonly agentIndex: number;
  /** It runs until somebody ends it. */
  readonly endless: boolean;
  /** Whether the cluster was told to end it, or its agent is gone for good. */
  isBeingEnded(): boolean;
}

export interface Executors {
  launch(containerId: string, facts: { mesosTaskId: string; agentIndex: number }): void;
  /** SIGTERM: it takes a while to obey. */
  stop(containerId: string): void;
  /** SIGKILL. */
  force(containerId: string): void;
  /** The machine is switched off. */
  powerOff(agentIndex: number): void;
  running(): readonly Container[];
}

/** Processes that start late or never, run short or long or for ever, and end well or badly. */
export function createExecutors(deps: {
  timeline: Timeline;
  chance: Chance;
  ledger: Ledger;
  report: (containerId: string, report: ExecutorReport) => void;
}): Executors {
  const { timeline, chance, ledger, report } = deps;
  const containers = new Map<string, Container & { ending: boolean }>();

  function end(containerId: string, exit: number | NodeJS.Signals): void {
    const container = containers.get(containerId);
    if (container === undefined) return;
    containers.delete(containerId);
    ledger.stopped(container);
    ledger.note(`${container.mesosTaskId} exits: ${exit}`);
    report(containerId, { kind: 'exited', what: 'Command', exit });
  }

  return {
    launch(containerId, { mesosTaskId, agentIndex }) {
      const endless = chance.happens(0.1);
      const container = { mesosTaskId, agentIndex, endless, ending: false, isBeingEnded: () => container.ending };
      containers.set(containerId, container);
      ledger.note(`${mesosTaskId} starts on agent ${agentIndex}${endless ? ', for ever' : ''}`);
      ledger.started(container);
      const startMs = chance.happens(0.15) ? chance.between(1_000, 9_000) : chance.between(5, 400);
      const runMs = chance.happens(0.2) ? chance.between(5_000, 20_000) : chance.between(0, 2_500);
      timeline.after(startMs, () => {
        if (containers.has(containerId)) report(containerId, { kind: 'running', pid: null });
      });
      if (!endless) timeline.after(startMs + runMs, () => end(containerId, chance.happens(0.35) ? 1 : 0));
    },
    stop(containerId) {
      const container = containers.get(containerId);
      if (container === undefined) return;
      container.ending = true;
      timeline.after(chance.between(5, 400), () => end(containerId, 'SIGTERM'));
    },
    force: (containerId) => end(containerId, 'SIGKILL'),
    powerOff(agentIndex) {
      for (const [id, container] of [...containers]) if (container.agentIndex === agentIndex) end(id, 'SIGKILL');
    },
    running: () => [...containers.values()],
  };
}
