import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Tasks run in sessions of their own and outlive the process that started them if that one is killed. So each has a note
 * on disk (which process, started when), and the next start ends whatever is left. A pid alone proves nothing, since pids
 * are used again: a process is ours if it started at the noted instant, or carries the container's id in its environment.
 */
export interface ProcessNotes {
  add(containerId: string, pid: number): void;
  remove(containerId: string): void;
}

export function createProcessNotes(folder: string): ProcessNotes {
  mkdirSync(folder, { recursive: true });
  return {
    add: (containerId, pid) => writeFileSync(join(folder, containerId), `${pid} ${readStartTime(pid) ?? '-'}`),
    remove: (containerId) => rmSync(join(folder, containerId), { force: true }),
  };
}

/** The variable every task finds in its environment, and its children inherit. */
export const containerVariable = 'MESOS_CONTAINER_ID';

/** Kills what former runs left behind, and forgets the notes. Returns how many processes were killed. */
export function endLeftovers(folder: string): number {
  let killed = 0;
  for (const containerId of readdirIfThere(folder)) {
    const [pid = 0, startTime = '-'] = readNote(join(folder, containerId));
    if (pid > 0 && startTime !== '-' && readStartTime(pid) === startTime) killed += killGroup(pid);
    killed += killByEnvironment(pid, `${containerVariable}=${containerId}`);
    rmSync(join(folder, containerId), { force: true });
  }
  return killed;
}

function readNote(path: string): [number, string] {
  const [pid, startTime] = readFileSync(path, 'utf8').split(' ');
  return [Number(pid) || 0, startTime ?? '-'];
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
function readStartTime(pid: number): string | null {
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
