import type { TaskInfo } from '@juice/mesos';
import type { ExecutorReport } from '../cluster/cluster-state.ts';
import type { Executor } from '../driver.ts';

/**
 * Runs no process: a task "runs" for `JUICE_SIMULATE_MS` milliseconds and ends with the status `JUICE_SIMULATE_EXIT`
 * (its environment, or labels of these names), by default for `taskMs` and with 0. A task that is stopped ends at once,
 * as by SIGTERM.
 */
export function createSimulatedExecutor({ taskMs, report }: SimulatedExecutorSetup): Executor {
  const running = new Map<string, NodeJS.Timeout>();

  function end(containerId: string, exit: number | NodeJS.Signals): void {
    const timer = running.get(containerId);
    if (timer === undefined) return;
    clearTimeout(timer);
    running.delete(containerId);
    report(containerId, { kind: 'exited', what: 'Command', exit });
  }

  return {
    launch({ containerId, task }) {
      const ms = readNumber(task, 'JUICE_SIMULATE_MS') ?? taskMs;
      const exit = readNumber(task, 'JUICE_SIMULATE_EXIT') ?? 0;
      running.set(
        containerId,
        setTimeout(() => end(containerId, exit), ms),
      );
      report(containerId, { kind: 'running', pid: null });
    },
    stop: (containerId) => end(containerId, 'SIGTERM'),
    force: (containerId) => end(containerId, 'SIGKILL'),
    close() {
      for (const timer of running.values()) clearTimeout(timer);
      running.clear();
      return Promise.resolve();
    },
  };
}

export interface SimulatedExecutorSetup {
  readonly taskMs: number;
  readonly report: (containerId: string, report: ExecutorReport) => void;
}

function readNumber(task: TaskInfo, name: string): number | null {
  const variable = task.command?.environment?.variables.find((candidate) => candidate.name === name)?.value;
  const text = variable ?? task.labels?.labels.find((label) => label.key === name)?.value;
  const value = Number(text);
  return text === undefined || !Number.isFinite(value) ? null : value;
}
