import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Tasks run in sessions of their own and outlive the process that started them if that one is killed. So each has a note
 * on disk (which process, started when), and the next start ends whatever is left. A pid alone proves nothing, since pids
 * are used again: a process is ours if it started at the noted instant, or carries the container's id in its environment.
 */
export interface ProcessNotes {
  /** `tool`: for a container, the program that runs it and can remove it. */
  add(containerId: string, pid: number, tool?: string): void;
  remove(containerId: string): void;
}

export function createProcessNotes(folder: string): ProcessNotes {
  mkdirSync(folder, { recursive: true });
  return {
    add: (containerId, pid, tool = '') =>
      writeFileSync(join(folder, containerId), `${pid} ${readStartTime(pid) ?? '-'} ${tool}`),
    remove: (containerId) => rmSync(join(folder, containerId), { force: true }),
  };
}

/** The variable every task finds in its environment, and its children inherit. */
export const containerVariable = 'MESOS_CONTAINER_ID';

/**
 * Kills what former runs left behind, and forgets the notes. Tells how many processes were killed, and which containers
 * may still run.
 */
export function endLeftovers(folder: string): {
  readonly killed: number;
  readonly containers: readonly { readonly containerId: string; readonly tool: string }[];
} {
  let killed = 0;
  const containers: { containerId: string; tool: string }[] = [];
  for (const containerId of readdirIfThere(folder)) {
    const { pid, startTime, tool } = readNote(join(folder, containerId));
    if (pid > 0 && startTime !== '-' && readStartTime(pid) === startTime) killed += killGroup(pid);
    if (tool === '') killed += killByEnvironment(pid, `${containerVariable}=${containerId}`);
    else containers.push({ containerId, tool });
    rmSync(join(folder, containerId), { force: true });
  }
  return { killed, containers };
}

function readNote(path: string): { readonly pid: number; readonly startTime: string; readonly tool: string } {
  const [pid, startTime = '-', tool = ''] = readFileSync(path, 'utf8').split(' ');
  return { pid: Number(pid) || 0, startTime, tool };
}

function killGroup(pid: number): number {
  try {
    process.kill(-pid, 'SIGKILL');
    return 1;
  } catch {
    // Gone by itself: nothing is left to do.
    return 0;
  }
}

/** Members of the task's session whose leader is gone. */
function killByEnvironment(session: number, entry: string): number {
  let killed = 0;
  for (const name of readdirIfThere('/proc')) {
    if (!/^\d+$/.test(name) || readStat(Number(name))?.session !== session) continue;
    if (!readEnvironment(name).includes(entry)) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
      killed += 1;
    } catch {
      // It ended meanwhile.
    }
  }
  return killed;
}

function readEnvironment(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    // Another user's, or gone.
    return [];
  }
}

/** When a process started, in clock ticks since boot; null where there is no such process or no /proc. */
export function readStartTime(pid: number): string | null {
  return readStat(pid)?.startTime ?? null;
}

function readStat(pid: number): { readonly session: number; readonly startTime: string } | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The second field is the program's name in parentheses and may hold anything; state is the first after it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { session: Number(fields[3]), startTime: fields[19] ?? '-' };
}

function readdirIfThere(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error: unknown) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
