import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Which sandbox: the folder of one run of a task. All ids have passed `checkId`, or were made here. */
export interface SandboxId {
  readonly frameworkId: string;
  readonly taskId: string;
  readonly containerId: string;
}

/** `frameworks/<framework>/executors/<task>/runs`, below an agent's folder: laid out as the virtual path names it. */
export function runsFolder(agentFolder: string, id: Omit<SandboxId, 'containerId'>): string {
  return join(agentFolder, 'frameworks', id.frameworkId, 'executors', id.taskId, 'runs');
}

/** Makes a sandbox and turns `latest` to it. Returns its path. Throws what the file system throws. */
export function createSandbox(agentFolder: string, id: SandboxId): string {
  const runs = runsFolder(agentFolder, id);
  const sandbox = join(runs, id.containerId);
  mkdirSync(sandbox, { recursive: true });
  const latest = join(runs, 'latest');
  try {
    unlinkSync(latest);
  } catch (error: unknown) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  symlinkSync(id.containerId, latest);
  return sandbox;
}

/** Removes what no task has touched since `beforeMs`, whole tasks at a time, and frameworks left without any. */
export function removeOldSandboxes(agentFolder: string, beforeMs: number): void {
  const frameworks = join(agentFolder, 'frameworks');
  for (const framework of listFolder(frameworks)) {
    const executors = join(frameworks, framework, 'executors');
    for (const task of listFolder(executors)) {
      const newest = Math.max(
        0,
        ...listFolder(join(executors, task, 'runs')).map((run) => mtimeMs(join(executors, task, 'runs', run))),
      );
      if (newest < beforeMs) rmSync(join(executors, task), { recursive: true, force: true });
    }
    if (listFolder(executors).length === 0) rmSync(join(frameworks, framework), { recursive: true, force: true });
  }
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error: unknown) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A link that leads nowhere any more is as old as can be. */
function mtimeMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
