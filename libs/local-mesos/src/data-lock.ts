import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DependencyFailure } from '@juice/contracts';
import { readStartTime } from './tasks/process-identity.ts';

/**
 * Keeps a data folder to one cluster: a second one would end the first one's tasks as leftovers. A lock whose holder is
 * dead, or whose pid is another process's by now, is taken over. Throws DependencyFailure when the folder is in use.
 */
export function lockFolder(dataDir: string): { release(): void } {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, 'lock');
  const own = `${process.pid} ${readStartTime(process.pid) ?? '-'}`;
  if (!tryLock(path, own)) {
    const holder = readFileSync(path, 'utf8');
    if (isHeld(holder)) {
      const detail = `${dataDir} is in use by process ${holder.split(' ')[0]}`;
      throw new DependencyFailure({ dependency: 'local-mesos', operation: 'start', retryable: false, detail });
    }
    writeFileSync(path, own);
  }
  return { release: () => rmSync(path, { force: true }) };
}

function tryLock(path: string, own: string): boolean {
  try {
    writeFileSync(path, own, { flag: 'wx' });
    return true;
  } catch (error: unknown) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isHeld(holder: string): boolean {
  const [pid, startTime] = holder.split(' ');
  const now = readStartTime(Number(pid));
  if (now !== null) return now === startTime;
  return startTime === '-' && isRunning(Number(pid));
}

/** Where there is no /proc, a pid must do. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error: unknown) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
