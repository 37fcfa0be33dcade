import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { mesosConformance } from '@juice/mesos/testing';
import { startLocalMesos } from './local-mesos.ts';

describe('the stand-in cluster is a Mesos master', () => {
  mesosConformance(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'local-mesos-'));
    const mesos = await startLocalMesos({ dataDir, agents: [{ cpus: 8, memMb: 8192, diskMb: 20_000 }] });
    return { url: mesos.url, stop: () => mesos.stop().finally(() => rmSync(dataDir, { recursive: true })) };
  });
});
