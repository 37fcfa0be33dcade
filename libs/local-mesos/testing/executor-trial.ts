import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandInfo, ContainerInfo, Draft, Resource, TaskInfo } from '@juice/mesos';
import { callFromJson } from '@juice/mesos/testing';
import type { ExecutorReport } from '../src/cluster/cluster-state.ts';
import type { Executor } from '../src/driver.ts';
import { inheritedVariables } from '../src/tasks/task-environment.ts';
import { createTaskExecutor } from '../src/tasks/task-executor.ts';

/** What a task `t` of agent `A` is to run. */
export interface Wanted {
  readonly command: Draft<CommandInfo>;
  readonly container?: Draft<ContainerInfo>;
  readonly resources?: readonly Draft<Resource>[];
  readonly limits?: Record<string, { value: number }>;
}

/** An executor that really runs one task, in a folder of its own, and what it reports of it. */
export interface ExecutorTrial {
  /** The agent's; gone when the trial is closed. */
  readonly folder: string;
  readonly executor: Executor;
  readonly reports: readonly ExecutorReport[];
  /** Begins anew, as an agent that has this environment. */
  start(environment: NodeJS.Dict<string>): void;
  /** As container `C` of framework `F`. */
  launch(wanted: Wanted): void;
  running(): Promise<ExecutorReport>;
  ended(): Promise<ExecutorReport>;
  sandboxFile(name: string): string;
  /** What the task has written; to its stdout when no other file is named. */
  output(name?: string): string;
  close(): Promise<void>;
}

export function openExecutorTrial(): ExecutorTrial {
  const folder = mkdtempSync(join(tmpdir(), 'local-mesos-'));
  const reports: ExecutorReport[] = [];
  const waiting: (() => void)[] = [];
  const start = (environment: NodeJS.Dict<string>): Executor =>
    createTaskExecutor({
      agentFolders: [folder],
      variables: inheritedVariables(environment),
      report(_containerId, report) {
        reports.push(report);
        for (const wake of waiting.splice(0)) wake();
      },
    });
  let executor = start({ PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C', MONGO_URL: 'mongodb://secret' });

  async function nextReport(wanted: (report: ExecutorReport) => boolean): Promise<ExecutorReport> {
    for (;;) {
      const found = reports.find(wanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }
  const sandboxFile = (name: string): string => join(folder, 'frameworks/F/executors/t/runs/latest', name);

  return {
    folder,
    get executor() {
      return executor;
    },
    reports,
    start(environment) {
      executor = start(environment);
    },
    launch(wanted) {
      executor.launch({ kind: 'launch', containerId: 'C', agentIndex: 0, frameworkId: 'F', task: taskOf(wanted) });
    },
    running: () => nextReport(({ kind }) => kind === 'running'),
    ended: () => nextReport(({ kind }) => kind !== 'running'),
    sandboxFile,
    output: (name = 'stdout') => readFileSync(sandboxFile(name), 'utf8'),
    async close() {
      await executor.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function taskOf({ command, container, resources = [], limits }: Wanted): TaskInfo {
  const json = {
    name: 't',
    task_id: { value: 't' },
    agent_id: { value: 'A' },
    resources,
    command,
    ...(container === undefined ? {} : { container }),
    ...(limits === undefined ? {} : { limits }),
  };
  const accept = { offer_ids: [], operations: [{ type: 'LAUNCH', launch: { task_infos: [json] } }] };
  return callFromJson({ type: 'ACCEPT', accept }).accept?.operations[0]?.launch?.task_infos[0] as TaskInfo;
}
