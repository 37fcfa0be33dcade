import { isEndState, TaskState, type TaskId, type TaskSpec } from '@juice/contracts';
import type { Chance } from './chance.ts';
import type { Ledger } from './ledger.ts';
import { taskIdAt, type Database } from './simulated-store.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { Timeline } from './timeline.ts';

export type Queue = 'juice.scheduler.tasks' | 'juice.scheduler.commands';

export interface Tenants {
  submit(): void;
  /** A task that has not ended; nothing when there is none. */
  killAny(): void;
  /** What would run for ever is killed, so that the history can end. */
  killEndless(): void;
}

const plainSpec: TaskSpec = {
  ...{ taskName: 'sim', callbackUrl: null, callbackEvents: 'all', commands: 'true', container: null },
  resources: { role: '*', cpus: 1, memMb: 64, diskMb: 0, gpus: 0, ports: 0 },
  ...{ env: [], args: [], uris: [], constraints: [], priority: 0, retry: 0 },
  ...{ expireSeconds: null, maxRunSeconds: null, killGraceSeconds: null },
};

/** What the api does for tenants; its messages to the scheduler get lost now and then. */
export function createTenants(deps: {
  timeline: Timeline;
  chance: Chance;
  ledger: Ledger;
  database: Database;
  cluster: SimulatedCluster;
  tell: (queue: Queue, body: unknown) => void;
}): Tenants {
  const { timeline, chance, ledger, cluster } = deps;
  const { table, specs, outboxes } = deps.database;
  let count = 0;

  function tell(queue: Queue, body: object): void {
    if (chance.happens(0.8)) timeline.after(chance.between(0, 30), () => deps.tell(queue, { v: 1, ...body }));
  }

  function kill(taskId: TaskId): void {
    ledger.note(`kill of ${taskId} requested`);
    const row = table.rows.get(taskId);
    const before = row?.task.seq;
    table.requestKill(taskId);
    if (row !== undefined && row.task.seq !== before) {
      const { tenantId, seq } = row.task;
      const facts = { v: 1, taskId, tenantId, seq, status: TaskState.KILLED, attempt: 0 } as const;
      outboxes.add({ ...facts, message: 'task is killed', reason: null, atMs: timeline.now(), callback: false });
    }
    tell('juice.scheduler.commands', { kind: 'kill', taskIds: [String(taskId)] });
  }

  return {
    submit() {
      const nowMs = timeline.now();
      const taskId = taskIdAt(nowMs, (count += 1));
      const retry = chance.below(3);
      const cpus = 1 + chance.below(2);
      specs.set(taskId, { ...plainSpec, retry, resources: { ...plainSpec.resources, cpus } });
      const needs = { cpuMillis: cpus * 1_000, memMb: 64, diskMb: 0, gpus: 0, ports: 0, hostPorts: [] };
      const expireAtMs = nowMs + (chance.happens(0.05) ? 3_000 : 3_600_000);
      const tenantId = `tenant-${chance.below(3)}`;
      table.insert({ taskId, tenantId, taskName: 'sim', retry, needs, submittedAtMs: nowMs, expireAtMs });
      ledger.note(`${taskId} submitted`);
      tell('juice.scheduler.tasks', { taskIds: [String(taskId)] });
    },
    killAny() {
      const live = [...table.rows].filter(([, row]) => !isEndState(row.status));
      const chosen = live[chance.below(live.length)];
      if (chosen !== undefined) kill(chosen[0]);
    },
    killEndless() {
      const endless = new Set(
        cluster.executors
          .running()
          .filter((container) => container.endless)
          .map((container) => container.mesosTaskId),
      );
      for (const [taskId, row] of table.rows)
        if (row.live !== null && endless.has(row.live.mesosTaskId) && !row.task.killRequested) kill(taskId);
    },
  };
}
