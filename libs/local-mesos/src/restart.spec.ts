import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { stop as stopEsbuild } from 'esbuild';
import { startClusterProcess, type ClusterProcess } from '../testing/cluster-process.ts';
import { commandTask, launchOnce, subscribeProbe } from '../testing/scheduler-probe.ts';
import { startLocalMesos, type LocalMesos } from './local-mesos.ts';

let folder: string;
let dataDir: string;
const cleanups: (() => Promise<unknown> | void)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-mesos-'));
  dataDir = join(folder, 'data');
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(folder, { recursive: true });
});

// The bundler keeps a process of its own.
afterAll(() => stopEsbuild());

async function startHere(): Promise<LocalMesos> {
  const mesos = await startLocalMesos({ dataDir, agents: [{ cpus: 4, memMb: 1024, diskMb: 1024 }] });
  cleanups.push(() => mesos.stop());
  return mesos;
}

async function startElsewhere(): Promise<ClusterProcess> {
  const elsewhere = await startClusterProcess(folder, { dataDir, agents: [{ cpus: 4, memMb: 1024, diskMb: 1024 }] });
  cleanups.push(() => elsewhere.kill());
  return elsewhere;
}

function isAlive(pid: string): boolean {
  return existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !condition();) {
    if (Date.now() > deadline) throw new Error('it did not happen');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

// The process can be killed at any moment. What it ran then is in sessions of its own and lives on, unseen and counted by
// nobody, unless the next start ends it; and a scheduler that asks must learn at once that the task is gone, not wait.
test('after kill -9 the next start ends what was left running, and answers GONE for it', async () => {
  const elsewhere = await startElsewhere();
  const probe = await subscribeProbe(elsewhere.url);
  const script = 'echo $$; sleep 1000 & echo $!; wait';
  const agentId = await launchOnce(probe, (agent) => [commandTask(agent, 't-left', script)]);
  await probe.waitForState('t-left', 'TASK_RUNNING');
  const stdout = join(dataDir, 'agent-0/frameworks', probe.frameworkId, 'executors/t-left/runs/latest/stdout');
  await until(() => readFileSync(stdout, 'utf8').split('\n').length === 3);
  const pids = readFileSync(stdout, 'utf8').trim().split('\n');
  // The shell is gone already, its child is not: an orphan in the session of a leader that has ended.
  process.kill(Number(pids[0]), 'SIGSTOP');
  await elsewhere.kill();
  await until(() => probe.ended());
  expect(pids.map(isAlive)).toEqual([true, true]);

  const mesos = await startHere();
  await until(() => !pids.some(isAlive));
  expect(mesos.agentIds).toEqual(elsewhere.agentIds);
  const back = await subscribeProbe(mesos.url, { frameworkId: probe.frameworkId });
  expect(back.frameworkId).toBe(probe.frameworkId);
  const asked = { task_id: { value: 't-left' }, agent_id: { value: agentId } };
  await back.call({ type: 'RECONCILE', reconcile: { tasks: [asked] } });
  const { update } = await back.waitForState('t-left', 'TASK_GONE');
  expect(update.status).toMatchObject({ source: 'SOURCE_MASTER', reason: 'REASON_RECONCILIATION' });
});

test('a process that has the pid of a former task is not touched', async () => {
  const stranger = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  cleanups.push(() => void stranger.kill('SIGKILL'));
  const notes = join(dataDir, 'agent-0/processes');
  mkdirSync(notes, { recursive: true });
  writeFileSync(join(notes, 'some-container'), `${stranger.pid} 12345 `);
  await startHere();
  expect(isAlive(String(stranger.pid))).toBe(true);
  expect(readdirSync(notes)).toEqual([]);
});

test('a framework that was torn down stays gone; an agent marked gone comes as a new one', async () => {
  const first = await startLocalMesos({
    dataDir,
    agents: [
      { cpus: 1, memMb: 64, diskMb: 1 },
      { cpus: 1, memMb: 64, diskMb: 1 },
    ],
  });
  const probe = await subscribeProbe(first.url);
  await probe.call({ type: 'TEARDOWN' });
  first.markAgentGone(1);
  await first.stop();
  const second = await startLocalMesos({
    dataDir,
    agents: [
      { cpus: 1, memMb: 64, diskMb: 1 },
      { cpus: 1, memMb: 64, diskMb: 1 },
    ],
  });
  cleanups.push(() => second.stop());
  expect(second.agentIds[0]).toBe(first.agentIds[0]);
  expect(second.agentIds[1]).not.toBe(first.agentIds[1]);
  const again = await subscribeProbe(second.url, { frameworkId: probe.frameworkId });
  expect((await again.waitFor('ERROR')).error.message).toBe('Framework has been removed');
});

test('a folder in use is refused, and free again after a stop', async () => {
  const first = await startHere();
  await expect(startHere()).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', dependency: 'local-mesos' });
  await first.stop();
  await startHere();
});

test('a state file that cannot be understood stops the start', async () => {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'cluster.json'), '{"completed":1}');
  await expect(startHere()).rejects.toMatchObject({ code: 'INVARIANT_BROKEN' });
});

test('old sandboxes are removed at the start, young ones stay', async () => {
  const runs = (task: string): string => join(dataDir, 'agent-0/frameworks/F/executors', task, 'runs/C');
  for (const task of ['old', 'young']) mkdirSync(runs(task), { recursive: true });
  const longAgo = Date.now() / 1000 - 8 * 24 * 3600;
  utimesSync(runs('old'), longAgo, longAgo);
  await startHere();
  expect(readdirSync(join(dataDir, 'agent-0/frameworks/F/executors'))).toEqual(['young']);
});
