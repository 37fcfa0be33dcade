import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TaskState, taskStateName, type TaskId } from '@juice/contracts';
import { runMain } from '@juice/runtime';
import { createTenant, startReceiver, startStandalone, until } from '@juice/trial';
import { cases, judge, type Case } from './cases.ts';
import { createTable } from './table.ts';

/**
 * Starts standalone on free ports with a temporary data folder and a receiver, submits the cases, shows their states as
 * they change, and checks states and callbacks. Exits 0 only if all went as expected.
 */
await runMain(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'juice-demo-'));
  const secret = `whsec_${Buffer.from('a secret for the demo only').toString('base64')}`;
  const say = (line: string): void => void process.stdout.write(`${line}\n`);

  say('Starting Juice, standalone, on free ports …');
  const receiver = await startReceiver({ secret });
  const juice = await startStandalone({
    bundles: resolve('dist/apps'),
    dataDir,
    env: { JUICE_CALLBACK_SECRET: secret },
    inherited: process.env,
  });
  const problems: string[] = [];
  try {
    say(`Juice listens on ${juice.url}, the receiver on ${receiver.url}.\n`);
    const tenant = createTenant(juice.url, 'demo');
    const table = createTable(say, process.stdout.isTTY);
    const runs = new Map<TaskId, Case>();
    for (const one of cases) {
      const taskId = await tenant.submit({ ...one.task, callbackUrl: receiver.url });
      runs.set(taskId, one);
      table.add(taskId, one.title);
    }
    const killed = new Set<TaskId>();
    await until(
      'all tasks to end and their callbacks to arrive',
      async () => {
        const found = await tenant.find([...runs.keys()]);
        for (const task of found) {
          table.show(task.taskId, task.taskStatus, task.message);
          if (runs.get(task.taskId)?.killWhenRunning !== true || killed.has(task.taskId)) continue;
          if (task.taskStatus !== TaskState.RUNNING) continue;
          killed.add(task.taskId);
          await tenant.kill(task.taskId);
        }
        const told = (taskId: TaskId, name: string): boolean =>
          receiver.received.some((callback) => callback.taskId === taskId && callback.result === name);
        return found.every(({ taskId, taskStatus }) => taskStatus > 1 && told(taskId, taskStateName(taskStatus)));
      },
      { withinMs: 60_000, everyMs: 50 },
    );
    table.end();
    for (const task of await tenant.find([...runs.keys()])) {
      const one = runs.get(task.taskId);
      const callbacks = receiver.received.filter(({ taskId }) => taskId === task.taskId);
      const results = callbacks.map(({ result }) => result);
      const judged = one === undefined ? ['is not ours'] : judge(one, task, callbacks);
      say(`  ${judged.length === 0 ? 'ok  ' : 'BAD '} ${one?.title ?? ''}: called back ${results.join(', ')}`);
      problems.push(...judged.map((problem) => `${one?.title ?? ''}: ${problem}`));
    }
  } catch (error: unknown) {
    problems.push(error instanceof Error ? error.message : String(error));
    say(await readFile(join(dataDir, 'standalone.log'), 'utf8'));
  } finally {
    await juice.end('SIGTERM');
    await receiver.close();
    await rm(dataDir, { recursive: true, force: true });
  }
  say('');
  for (const problem of problems) say(`  ${problem}`);
  say(problems.length === 0 ? 'All went as expected.' : `${problems.length} things went otherwise than expected.`);
  process.exitCode = problems.length === 0 ? 0 : 1;
});
