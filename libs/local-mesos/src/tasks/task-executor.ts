import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvariantBroken } from '@juice/contracts';
import type { ExecutorReport } from '../cluster/cluster-state.ts';
import type { Executor, Launch } from '../driver.ts';
import { imageOf } from './container-command.ts';
import { fetchAll } from './fetcher.ts';
import { createProcessNotes, type ProcessNotes } from './process-identity.ts';
import { createSandbox } from './sandbox.ts';
import { startContainer } from './task-container.ts';
import { taskVariables, type Variables } from './task-environment.ts';
import { startProcess } from './task-process.ts';
import { launchFailure, type StartedTask } from './task-start.ts';

export interface TaskExecutorSetup {
  /** One folder for each agent: sandboxes, notes on processes, cached files. */
  readonly agentFolders: readonly string[];
  /** Of the surrounding process, what tasks may see. */
  readonly variables: Variables;
  readonly report: (containerId: string, report: ExecutorReport) => void;
}

/** A task from its launch to its end. */
interface LiveTask {
  readonly launch: Launch;
  readonly folder: string;
  readonly notes: ProcessNotes;
  readonly abort: AbortController;
  started: StartedTask | null;
}

/** Runs tasks for real: makes the sandbox, fetches what the task wants in it, and starts a process or a container. */
export function createTaskExecutor({ agentFolders, variables, report }: TaskExecutorSetup): Executor {
  const tasks = new Map<string, LiveTask>();
  const agents = agentFolders.map((folder) => ({ folder, notes: createProcessNotes(join(folder, 'processes')) }));
  const idle: (() => void)[] = [];

  /** The last report of a task ends it; anything after that is not heard. */
  function tell({ launch: { containerId }, notes }: LiveTask, news: ExecutorReport): void {
    if (!tasks.has(containerId)) return;
    if (news.kind !== 'running') {
      tasks.delete(containerId);
      notes.remove(containerId);
    }
    report(containerId, news);
    if (tasks.size === 0) for (const wake of idle.splice(0)) wake();
  }

  async function run(task: LiveTask): Promise<void> {
    const { launch, folder, abort, notes } = task;
    const { containerId, frameworkId } = launch;
    const own = taskVariables(launch.task);
    if (own === null) return tell(task, launchFailure('there is no store to resolve a secret by reference'));
    const sandbox = createSandbox(folder, { frameworkId, taskId: launch.task.task_id.value, containerId });
    const uris = launch.task.command?.uris ?? [];
    if (uris.length > 0) {
      const place = {
        sandbox,
        cacheFolder: join(folder, 'cache'),
        path: variables['PATH'] ?? '',
        signal: abort.signal,
      };
      const problem = await fetchAll(uris, place).catch((error: Error) => error.message);
      if (typeof problem === 'string') {
        appendFileSync(join(sandbox, 'stderr'), `${problem}\n`);
        return tell(
          task,
          launchFailure(`Failed to fetch all URIs for container '${containerId}': exited with status 1`),
        );
      }
    }
    if (abort.signal.aborted) return tell(task, launchFailure('given up'));
    const start = imageOf(launch.task.container) === null ? startProcess : startContainer;
    const place = { launch, sandbox, variables, own, notes, signal: abort.signal };
    task.started = start({ ...place, report: (news) => tell(task, news) });
  }

  function end(containerId: string, how: (started: StartedTask) => void): void {
    const task = tasks.get(containerId);
    task?.abort.abort();
    if (task?.started) how(task.started);
  }

  return {
    launch(launch) {
      const agent = agents[launch.agentIndex];
      if (agent === undefined) throw new InvariantBroken(`there is no agent ${launch.agentIndex}`);
      const task: LiveTask = { launch, ...agent, abort: new AbortController(), started: null };
      tasks.set(launch.containerId, task);
      run(task).catch((error: unknown) => tell(task, launchFailure(String(error))));
    },
    stop: (containerId, graceMs) => end(containerId, (started) => started.stop(graceMs)),
    force: (containerId) => end(containerId, (started) => started.force()),
    close() {
      if (tasks.size === 0) return Promise.resolve();
      for (const containerId of tasks.keys()) end(containerId, (started) => started.force());
      return new Promise((resolve) => idle.push(resolve));
    },
  };
}
