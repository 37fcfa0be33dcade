import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { InvariantBroken } from '@juice/contracts';
import type { TaskInfo } from '@juice/mesos';
import type { ExecutorReport } from '../cluster/cluster-state.ts';
import type { Executor, Launch } from '../driver.ts';
import { fetchAll } from './fetcher.ts';
import { createProcessNotes, type ProcessNotes } from './process-identity.ts';
import { createSandbox } from './sandbox.ts';
import { mesosVariables, taskVariables, type Variables } from './task-environment.ts';

export interface ProcessExecutorSetup {
  /** One folder for each agent: sandboxes, notes on processes, cached files. */
  readonly agentFolders: readonly string[];
  /** Of the surrounding process, what tasks may see. */
  readonly variables: Variables;
  readonly report: (containerId: string, report: ExecutorReport) => void;
}

/** A task from its launch to its end. */
interface Container {
  readonly launch: Launch;
  readonly abort: AbortController;
  readonly notes: ProcessNotes;
  process: ChildProcess | null;
}

/**
 * Runs command tasks as processes of this machine, as the user of this process. Each has a sandbox for working folder,
 * with its `stdout` and `stderr`, and a session of its own, so that a signal reaches it and all it started. When it ends,
 * whatever it left running in its process group is killed.
 */
export function createProcessExecutor({ agentFolders, variables, report }: ProcessExecutorSetup): Executor {
  const containers = new Map<string, Container>();
  const notes = agentFolders.map((folder) => createProcessNotes(join(folder, 'processes')));
  const idle: (() => void)[] = [];

  function forget(containerId: string): void {
    containers.delete(containerId);
    if (containers.size === 0) for (const wake of idle.splice(0)) wake();
  }

  function finish({ launch: { containerId }, notes: own }: Container, last: ExecutorReport): void {
    own.remove(containerId);
    forget(containerId);
    report(containerId, last);
  }

  async function prepareAndStart(container: Container): Promise<void> {
    const { launch, abort } = container;
    const { containerId, task } = launch;
    const folder = agentFolders[launch.agentIndex] ?? '';
    const { frameworkId } = launch;
    const sandbox = createSandbox(folder, { frameworkId, taskId: task.task_id.value, containerId });
    const uris = task.command?.uris ?? [];
    if (uris.length > 0) {
      const place = {
        sandbox,
        cacheFolder: join(folder, 'cache'),
        path: variables['PATH'] ?? '',
        signal: abort.signal,
      };
      const problem = await fetchAll(uris, place).then(
        () => null,
        (error: Error) => error.message,
      );
      if (problem !== null) {
        appendFileSync(join(sandbox, 'stderr'), `${problem}\n`);
        return finish(container, fetchFailure(containerId));
      }
    }
    start(container, sandbox);
  }

  function start(container: Container, sandbox: string): void {
    const { containerId, task, frameworkId } = container.launch;
    if (container.abort.signal.aborted) return finish(container, launchFailure('given up'));
    const own = taskVariables(task);
    if (own === null) return finish(container, launchFailure('there is no store to resolve a secret by reference'));
    const program = programOf(task);
    if (program === null) return finish(container, launchFailure('the command has no value'));
    const place = { frameworkId, agentId: task.agent_id.value, containerId, sandbox };
    const env = { ...variables, ...mesosVariables(task, place), ...own };
    const [stdout, stderr] = [openSync(join(sandbox, 'stdout'), 'a'), openSync(join(sandbox, 'stderr'), 'a')];
    try {
      const { file, args, argv0 } = program;
      const stdio: ['ignore', number, number] = ['ignore', stdout, stderr];
      container.process = spawn(file, args, { argv0, cwd: sandbox, env, stdio, detached: true });
    } finally {
      closeSync(stdout);
      closeSync(stderr);
    }
    follow(container, container.process, sandbox);
  }

  function follow(container: Container, child: ChildProcess, sandbox: string): void {
    const { containerId } = container.launch;
    const { pid } = child;
    child.once('error', (error) => {
      // As a real executor, which is up before it finds that the program cannot be run.
      if (pid !== undefined) return;
      appendFileSync(join(sandbox, 'stderr'), `Failed to execute command: ${error.message}\n`);
      report(containerId, { kind: 'running', pid: null });
      finish(container, { kind: 'exited', what: 'Command', exit: 1 });
    });
    if (pid === undefined) return;
    container.notes.add(containerId, pid);
    child.once('exit', (status, signal) => {
      signalGroup(pid, 'SIGKILL');
      finish(container, { kind: 'exited', what: 'Command', exit: status ?? signal ?? 1 });
    });
    report(containerId, { kind: 'running', pid });
  }

  function signalTask(containerId: string, signal: NodeJS.Signals): void {
    const container = containers.get(containerId);
    container?.abort.abort();
    if (container?.process?.pid !== undefined) signalGroup(container.process.pid, signal);
  }

  return {
    launch(launch) {
      const own = notes[launch.agentIndex];
      if (own === undefined) throw new InvariantBroken(`no agent ${launch.agentIndex}`);
      const container: Container = { launch, abort: new AbortController(), notes: own, process: null };
      containers.set(launch.containerId, container);
      prepareAndStart(container).catch((error: unknown) => finish(container, launchFailure(String(error))));
    },
    stop: (containerId) => signalTask(containerId, 'SIGTERM'),
    force: (containerId) => signalTask(containerId, 'SIGKILL'),
    close() {
      if (containers.size === 0) return Promise.resolve();
      for (const containerId of containers.keys()) signalTask(containerId, 'SIGKILL');
      return new Promise((resolve) => idle.push(resolve));
    },
  };
}

function launchFailure(why: string): ExecutorReport {
  return { kind: 'failed', message: `Failed to launch container: ${why}`, reason: 'REASON_CONTAINER_LAUNCH_FAILED' };
}

function fetchFailure(containerId: string): ExecutorReport {
  return launchFailure(`Failed to fetch all URIs for container '${containerId}': exited with status 1`);
}

/** What to run: `sh -c value`, or `value` with `arguments`, of which the first is what the program is told it is called. */
function programOf({ command }: TaskInfo): { file: string; args: readonly string[]; argv0: string } | null {
  const value = command?.value;
  if (command === undefined || value === undefined) return null;
  if (command.shell ?? true) return { file: '/bin/sh', args: ['-c', value], argv0: 'sh' };
  const [argv0 = value, ...args] = command.arguments;
  return { file: value, args, argv0 };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error: unknown) {
    // Nobody is left in the group.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
