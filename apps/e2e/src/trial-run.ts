import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskId } from '@juice/contracts';
import {
  createTenant,
  startReceiver,
  startStandalone,
  type ReceivedCallback,
  type Receiver,
  type JuiceProcess,
  type Tenant,
} from '@juice/trial';
import { readLines } from './read-lines.ts';

const bundles = join(import.meta.dirname, '../../../dist/apps');
/** Signs the callbacks of tenants without a secret of their own. */
export const operatorSecret = `whsec_${Buffer.from('a secret for these tests').toString('base64')}`;

/** Soon again, and long enough for an endpoint whose breaker has opened: a lane dies when its whole schedule has passed behind it. */
const schedule = ['0s', '100ms', '500ms', ...Array<string>(6).fill('1s'), ...Array<string>(10).fill('30s')].join(',');

/** A standalone in a process of its own, its receiver, and a tenant; ended and removed by `close`. */
export interface TrialRun {
  readonly folder: string;
  readonly receiver: Receiver;
  juice(): JuiceProcess;
  tenant(): Tenant;
  /** kill -9, then a new process on the same data. */
  crashAndRestart(): Promise<void>;
  callbacksOf(taskId: TaskId): readonly ReceivedCallback[];
  /** The lines that tasks wrote to a file of the folder; none when there is no file yet. */
  lines(file: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function startTrialRun(
  options: { answer?: (callback: ReceivedCallback) => number; env?: Readonly<Record<string, string>> } = {},
): Promise<TrialRun> {
  const folder = await mkdtemp(join(tmpdir(), 'juice-e2e-'));
  const { env = {}, ...receiving } = options;
  const receiver = await startReceiver({ secret: operatorSecret, ...receiving });
  const start = (): Promise<JuiceProcess> =>
    startStandalone({
      bundles,
      dataDir: folder,
      env: {
        JUICE_CALLBACK_SECRET: operatorSecret,
        JUICE_CALLBACK_SCHEDULE: schedule,
        ...env,
      },
      inherited: process.env,
    });
  let juice = await start();
  return {
    folder,
    receiver,
    juice: () => juice,
    tenant: () => createTenant(juice.url, 'e2e'),
    async crashAndRestart() {
      await juice.end('SIGKILL');
      juice = await start();
    },
    callbacksOf: (taskId) => receiver.received.filter((callback) => callback.taskId === taskId),
    lines: (file) => readLines(join(folder, file)),
    async close() {
      await juice.end('SIGTERM');
      await receiver.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
