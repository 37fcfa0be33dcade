import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseTaskId, TaskState, type TaskId } from '@juice/contracts';
import { until } from '@juice/trial';
import { createGate } from './gate.ts';
import { startTrialRun, type TrialRun } from './trial-run.ts';

const world: { run: TrialRun | null } = { run: null };
const run = (): TrialRun => {
  if (world.run === null) throw new Error('standalone is not up');
  return world.run;
};

beforeAll(async () => {
  world.run = await startTrialRun();
}, 90_000);
afterAll(() => world.run?.close(), 30_000);

async function statusOf(taskId: TaskId): Promise<TaskState | undefined> {
  const [task] = await run().tenant().find([taskId]);
  return task?.taskStatus;
}

async function ended(taskId: TaskId): Promise<void> {
  await until(`task ${taskId} to end`, async () => {
    const status = await statusOf(taskId);
    return status !== undefined && status > TaskState.RUNNING && status !== TaskState.UNREACHABLE;
  });
}

const asTenant = { headers: { 'X-Tenant-Id': 'e2e' } };
const seedDate = /^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d (AM|PM)$/;

describe('a task on standalone', () => {
  test('the seed’s commands example runs, is followed to its end, and is called back in order', async () => {
    const { receiver } = run();
    const { url } = run().juice();
    const headers = { 'X-Tenant-Id': 'e2e', 'Content-Type': 'application/json' };
    const body = JSON.stringify({
      callbackUrl: receiver.url,
      taskName: 'demo-commands',
      env: { name: 'environment', value: 'dev' },
      commands: 'test "$environment" = dev',
    });
    const answered = await (await fetch(`${url}/v1/tasks`, { method: 'POST', headers, body })).text();
    const digits = /^\{"status":0,"message":"OK","data":\{"taskId":(\d{18,19})[,}]/.exec(answered)?.[1] ?? '';
    const taskId = parseTaskId(digits) as TaskId;
    await ended(taskId);
    const found = await (await fetch(`${url}/v1/tasks?taskIds=${digits}`, { headers })).text();
    expect(found).toContain(`"taskId":${digits},`);
    const [task] = (JSON.parse(found) as { data: Record<string, unknown>[] }).data;
    expect(task).toMatchObject({
      taskStatus: 2,
      message: 'Command exited with status 0',
      tenantId: 'e2e',
      commands: 'test "$environment" = dev',
      submitAt: expect.stringMatching(seedDate),
      finishAt: expect.stringMatching(seedDate),
    });
    await until('both callbacks', () => run().callbacksOf(taskId).length >= 2);
    const callbacks = run().callbacksOf(taskId);
    expect(callbacks.map(({ result }) => result)).toEqual(['RUNNING', 'FINISHED']);
    expect(callbacks.every(({ isSigned }) => isSigned)).toBe(true);
  });

  test('one that exits 3 has failed', async () => {
    const taskId = await run().tenant().submit({ taskName: 'fails', commands: 'exit 3' });
    await ended(taskId);
    const [task] = await run().tenant().find([taskId]);
    expect(task).toMatchObject({ taskStatus: TaskState.FAILED, message: 'Command exited with status 3' });
  });

  test('one that is killed while it runs ends KILLED, its process with it; killing it again changes nothing', async () => {
    const { folder } = run();
    const tenant = run().tenant();
    const taskId = await tenant.submit({ taskName: 'sleeps', commands: `echo $$ > ${folder}/sleeper; sleep 300` });
    await until('it to run', async () => (await statusOf(taskId)) === TaskState.RUNNING);
    await until('its pid', async () => (await run().lines('sleeper')).length === 1);
    expect(await tenant.kill(taskId)).toMatchObject({ submitKill: true, currentStatus: TaskState.RUNNING });
    await ended(taskId);
    expect(await statusOf(taskId)).toBe(TaskState.KILLED);
    const pid = Number(readFileSync(join(folder, 'sleeper'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(await tenant.kill(taskId)).toMatchObject({ submitKill: false, currentStatus: TaskState.KILLED });
  });

  test('one that waits is explained, killed at once, and never runs', async () => {
    const tenant = run().tenant();
    const constraints = { field: 'HOSTNAME', values: ['no-such-host'] };
    const taskId = await tenant.submit({ taskName: 'waits', commands: 'true', constraints });
    await until('the scheduler to try it', async () => (await tenant.why(taskId)).lastConsidered !== undefined);
    expect(await tenant.why(taskId)).toMatchObject({
      state: 'waiting',
      summary: expect.stringContaining('HOSTNAME'),
      obstacles: [{ why: 'constraint', of: 'HOSTNAME' }],
      position: { inTenant: 1 },
      tenant: { waiting: 1 },
    });
    expect(await tenant.kill(taskId)).toEqual(
      expect.objectContaining({ submitKill: true, resultMessage: 'task is killed', currentStatus: TaskState.KILLED }),
    );
    expect(await statusOf(taskId)).toBe(TaskState.KILLED);
    expect(await tenant.why(taskId)).toMatchObject({ state: 'ended', summary: expect.stringContaining('KILLED') });
  });

  test('what one has written can be read, while it runs and afterwards, whichever agent has it', async () => {
    const tenant = run().tenant();
    const gate = createGate(`${run().folder}/written`);
    const commands = `echo größer; echo wrong >&2; : < ${gate.path}; printf last`;
    const constraints = { field: 'HOSTNAME', values: ['127.0.0.2'] };
    const taskId = await tenant.submit({ taskName: 'writes', commands, constraints });
    const read = (rest: string) => fetch(`${run().juice().url}/v1/tasks/${taskId}/logs/${rest}`, asTenant);
    await until('its first line', async () => (await (await read('stdout')).text()).startsWith('größer'));
    const followed = (await read('stdout?follow=true')).text();
    gate.open();
    expect(await followed).toBe('größer\nlast');
    await ended(taskId);
    expect(await (await read('stdout?offset=-4')).text()).toBe('last');
    expect(await (await read('stderr')).text()).toBe('wrong\n');
  });

  test('one that fails and may be retried runs again, and only then has failed', async () => {
    const { folder } = run();
    const taskId = await run()
      .tenant()
      .submit({ taskName: 'retried', commands: `echo run >> ${folder}/retried; exit 1`, retry: 1 });
    await ended(taskId);
    expect(await statusOf(taskId)).toBe(TaskState.FAILED);
    expect(await run().lines('retried')).toEqual(['run', 'run']);
  });

  test('of many at a time each runs once and is called back once as FINISHED', async () => {
    const { folder, receiver } = run();
    const tenant = run().tenant();
    const count = 120;
    const submitted = await Promise.all(
      Array.from({ length: count }, (_, at) =>
        tenant.submit({
          taskName: 'one-of-many',
          callbackUrl: receiver.url,
          env: { name: 'WHICH', value: String(at) },
          commands: `echo $WHICH >> ${folder}/many`,
          resources: { cpu: 0.5, mem: 256 },
        }),
      ),
    );
    const finishedOf = (taskId: TaskId): number =>
      run()
        .callbacksOf(taskId)
        .filter(({ result }) => result === 'FINISHED').length;
    await until('all to be called back', () => submitted.every((taskId) => finishedOf(taskId) > 0), {
      withinMs: 60_000,
    });
    const lines = await run().lines('many');
    expect(lines.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at));
    expect(submitted.map(finishedOf)).toEqual(submitted.map(() => 1));
  }, 90_000);
});
