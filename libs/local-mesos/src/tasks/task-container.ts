import { execFile } from 'node:child_process';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  buildContainerCommand,
  containerName,
  imageOf,
  sandboxInContainer,
  type ContainerCommand,
} from './container-command.ts';
import type { ExecutorReport } from '../cluster/cluster-state.ts';
import { mesosVariables, type Variables } from './task-environment.ts';
import { spawnIn } from './task-process.ts';
import { launchFailure, type StartedTask, type TaskStart } from './task-start.ts';

/** The tools that can run containers, and how to ask each whether it really can. */
const runtimes: readonly (readonly [tool: string, probe: readonly string[]])[] = [
  ['docker', ['version', '--format', '{{.Server.Version}}']],
  ['podman', ['info', '--format', '{{.Version.Version}}']],
];

/** A runtime that does not answer in this time is not there. */
const answerMs = 10_000;

/** How often a stop or kill is repeated that came before its container. */
const retryMs = 200;

/**
 * Runs a task in a container, through the first of `docker` and `podman` that answers. The container's output goes to the
 * sandbox, which it finds at /mnt/mesos/sandbox. Where no runtime answers the task fails and says so.
 */
export function startContainer(start: TaskStart): StartedTask {
  const { containerId } = start.launch;
  const name = containerName(containerId);
  let live: { readonly tool: string; ended: boolean } | null = null;
  const giveUp = (failure: ExecutorReport): void => {
    rmSync(envFileOf(start.sandbox), { force: true });
    start.report(failure);
  };
  const begin = (prepared: Prepared | ExecutorReport | string): void => {
    if (typeof prepared === 'string') return giveUp(launchFailure(prepared));
    if ('kind' in prepared) return giveUp(prepared);
    const own = { tool: prepared.tool, ended: false };
    live = own;
    runContainer(start, prepared, () => (own.ended = true));
  };
  prepare(start)
    .then(begin)
    .catch((error: unknown) => giveUp(launchFailure(String(error))));
  /** The container exists only some time after `run` was asked for; until then nothing can be done to it. */
  async function insist(args: readonly string[], timeout: number): Promise<void> {
    while (live?.ended === false) {
      const { ok } = await runTool(live.tool, args, { env: start.variables, timeout });
      if (ok) return;
      await setTimeout(retryMs);
    }
  }
  return {
    // Docker answers when the container has ended.
    stop: (graceMs) => void insist(['stop', `--time=${Math.ceil(graceMs / 1000)}`, name], graceMs + answerMs),
    force: () => void insist(['kill', name], answerMs),
  };
}

interface Prepared {
  readonly tool: string;
  readonly command: ContainerCommand;
}

/**
 * No agent here will ever run a container: an invalid task, which a scheduler need not try again. (A real agent without a
 * containerizer says "unknown container", which helps nobody.)
 */
const noRuntime: ExecutorReport = {
  kind: 'failed',
  message: 'Failed to launch container: no container runtime answers (tried docker and podman)',
  reason: 'REASON_TASK_INVALID',
};

/** Finds a runtime and sees to it that the image is there; or says why there is no container. */
async function prepare(start: TaskStart): Promise<Prepared | ExecutorReport | string> {
  const { task, containerId, frameworkId } = start.launch;
  const tool = await findRuntime(start.variables);
  if (tool === null) return noRuntime;
  const place = { frameworkId, agentId: task.agent_id.value, containerId, sandbox: sandboxInContainer };
  const variables = { ...mesosVariables(task, place), ...start.own };
  const envFile = envFileOf(start.sandbox);
  const isOneLine = ([, value]: readonly [string, string]): boolean => !value.includes('\n');
  const entries = Object.entries(variables);
  writeFileSync(
    envFile,
    entries
      .filter(isOneLine)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
    { mode: 0o600 },
  );
  const manyLined = Object.fromEntries(entries.filter((entry) => !isOneLine(entry)));
  const command = buildContainerCommand(task, { containerId, frameworkId, sandbox: start.sandbox, envFile, manyLined });
  if (typeof command === 'string') return command;
  return (await provideImage(tool, start)) ?? { tool, command };
}

/** Beside the sandbox: the task need not see it, and secrets are not left in the list of processes. */
function envFileOf(sandbox: string): string {
  return `${sandbox}.env`;
}

async function findRuntime(variables: Variables): Promise<string | null> {
  for (const [tool, probe] of runtimes)
    if ((await runTool(tool, probe, { env: variables, timeout: answerMs })).ok) return tool;
  return null;
}

async function provideImage(tool: string, start: TaskStart): Promise<string | null> {
  const { image = '', pull = false } = imageOf(start.launch.task.container) ?? {};
  const env = start.variables;
  if (!pull && (await runTool(tool, ['image', 'inspect', image], { env, timeout: answerMs })).ok) return null;
  // A pull takes what it takes.
  const { ok, output } = await runTool(tool, ['pull', image], { env, signal: start.signal });
  if (ok) return null;
  appendFileSync(join(start.sandbox, 'stderr'), output);
  return `Failed to pull image '${image}'`;
}

function runContainer(start: TaskStart, { tool, command }: Prepared, onEnd: () => void): void {
  const { sandbox, variables, signal, notes, launch, report } = start;
  if (signal.aborted) return report(launchFailure('given up'));
  const child = spawnIn(sandbox, { file: tool, args: command.run, argv0: tool, env: variables });
  const { pid } = child;
  if (pid === undefined) {
    child.once('error', (error) => report(launchFailure(error.message)));
    return;
  }
  notes.add(launch.containerId, pid, tool);
  child.once('exit', (status, signal) => {
    onEnd();
    rmSync(envFileOf(sandbox), { force: true });
    report({ kind: 'exited', what: 'Container', exit: status ?? signal ?? 1 });
  });
  report({ kind: 'running', pid });
}

function runTool(
  tool: string,
  args: readonly string[],
  how: { readonly env: Variables; readonly timeout?: number; readonly signal?: AbortSignal },
): Promise<{ readonly ok: boolean; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(tool, args, how, (error, stdout, stderr) => {
      resolve({ ok: error === null, output: `${stdout}${stderr}` });
    });
  });
}

/** Ends containers that former runs left, by the tools that started them. Resolves when each has been tried. */
export async function removeContainers(left: readonly ContainerLeft[], variables: Variables): Promise<void> {
  await Promise.all(
    left.map(({ tool, containerId }) =>
      runTool(tool, ['rm', '--force', containerName(containerId)], { env: variables, timeout: answerMs }),
    ),
  );
}

export interface ContainerLeft {
  readonly containerId: string;
  readonly tool: string;
}
