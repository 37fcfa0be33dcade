import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskInfo } from '@juice/mesos';
import { mesosVariables } from './task-environment.ts';
import { launchFailure, type StartedTask, type TaskStart } from './task-start.ts';

/**
 * Starts a command as a process of this machine, as the user of this process, in its sandbox and in a session of its own,
 * so that a signal reaches it and all it started. When it ends, what it left running in its process group is killed.
 */
export function startProcess(start: TaskStart): StartedTask {
  const { containerId, frameworkId, task } = start.launch;
  const program = programOf(task);
  if (program === null) {
    start.report(launchFailure('the command has no value'));
    return { stop: () => undefined, force: () => undefined };
  }
  const place = { frameworkId, agentId: task.agent_id.value, containerId, sandbox: start.sandbox };
  const env = { ...start.variables, ...mesosVariables(task, place), ...start.own };
  const child = spawnIn(start.sandbox, { ...program, env });
  follow(child, start);
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) signalGroup(child.pid, name);
  };
  return { stop: () => signal('SIGTERM'), force: () => signal('SIGKILL') };
}

interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly argv0: string;
}

/** What to run: `sh -c value`, or `value` with `arguments`, of which the first is what the program is told it is called. */
function programOf({ command }: TaskInfo): Program | null {
  const value = command?.value;
  if (command === undefined || value === undefined) return null;
  if (command.shell ?? true) return { file: '/bin/sh', args: ['-c', value], argv0: 'sh' };
  const [argv0 = value, ...args] = command.arguments;
  return { file: value, args, argv0 };
}

/** A child whose output goes to `stdout` and `stderr` of the sandbox. */
export function spawnIn(sandbox: string, program: Program & { readonly env: NodeJS.ProcessEnv }): ChildProcess {
  const [stdout, stderr] = [openSync(join(sandbox, 'stdout'), 'a'), openSync(join(sandbox, 'stderr'), 'a')];
  try {
    const { file, args, argv0, env } = program;
    return spawn(file, args, { argv0, cwd: sandbox, env, stdio: ['ignore', stdout, stderr], detached: true });
  } finally {
    closeSync(stdout);
    closeSync(stderr);
  }
}

function follow(child: ChildProcess, { launch: { containerId }, sandbox, notes, report }: TaskStart): void {
  const { pid } = child;
  if (pid === undefined) {
    child.once('error', (error) => {
      // As a real executor, which is up before it finds that the program cannot be run.
      appendFileSync(join(sandbox, 'stderr'), `Failed to execute command: ${error.message}\n`);
      report({ kind: 'running', pid: null });
      report({ kind: 'exited', what: 'Command', exit: 1 });
    });
    return;
  }
  try {
    notes.add(containerId, pid);
  } catch (error: unknown) {
    // Better no task than one that nobody could find again.
    signalGroup(pid, 'SIGKILL');
    throw error;
  }
  child.once('exit', (status, signal) => {
    signalGroup(pid, 'SIGKILL');
    report({ kind: 'exited', what: 'Command', exit: status ?? signal ?? 1 });
  });
  report({ kind: 'running', pid });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error: unknown) {
    // Nobody is left in the group.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
