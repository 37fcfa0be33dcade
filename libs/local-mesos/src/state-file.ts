import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { InvariantBroken } from '@juice/contracts';
import type { ClusterSnapshot } from './cluster/cluster.ts';

/** What survives a restart, in `cluster.json`. */
export interface StateFile {
  /** Null when there is none yet. Throws for one that cannot be understood: better no start than ids given twice. */
  read(): ClusterSnapshot | null;
  /** Replaces it as a whole: after a crash there is the old one or the new one. */
  write(state: ClusterSnapshot): void;
}

export function createStateFile(dataDir: string): StateFile {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, 'cluster.json');
  return {
    read() {
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch (error: unknown) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
      return parseSnapshot(JSON.parse(text), path);
    },
    write(state) {
      const file = openSync(`${path}.new`, 'w');
      try {
        writeSync(file, JSON.stringify(state));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.new`, path);
    },
  };
}

function parseSnapshot(value: unknown, path: string): ClusterSnapshot {
  const { completed, agentIds } = (value ?? {}) as Partial<Record<keyof ClusterSnapshot, unknown>>;
  if (isListOf(completed, (item) => typeof item === 'string') && isListOf(agentIds, isAgentId)) {
    return { completed, agentIds };
  }
  throw new InvariantBroken(`${path} is not what was written there`);
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}

function isAgentId(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}
