import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** A named pipe that shell commands wait at, by `: < path`, until it is opened: for as long as it takes, and no longer. */
export interface Gate {
  readonly path: string;
  /** Lets through all who wait, and whoever comes later. */
  open(): void;
  close(): void;
}

export function createGate(path: string): Gate {
  execFileSync('mkfifo', [path]);
  let opened: number | null = null;
  return {
    path,
    open() {
      // For reading as well: to open it for writing alone would wait for a reader.
      opened = openSync(path, 'r+');
    },
    close() {
      if (opened !== null) closeSync(opened);
    },
  };
}
