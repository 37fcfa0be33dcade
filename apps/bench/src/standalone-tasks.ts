import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskId } from '@juice/contracts';
import { createTenant, startReceiver, startStandalone, until } from '@juice/trial';

/** Runs tasks as real processes on standalone and tells how long submission, runs and callbacks took. True: all right. */
export async function runTasksOnStandalone(options: {
  bundles: string;
  tasks: number;
  concurrency: number;
  agents: string;
  inherited: Readonly<Record<string, string | undefined>>;
  say: (line: string) => void;
}): Promise<boolean> {
  const { tasks, concurrency, say } = options;
  const folder = await mkdtemp(join(tmpdir(), 'juice-bench-'));
  const secret = `whsec_${Buffer.from('a secret for benchmarks alone').toString('base64')}`;
  const receiver = await startReceiver({ secret });
  const juice = await startStandalone({
    bundles: options.bundles,
    dataDir: folder,
    env: { JUICE_CALLBACK_SECRET: secret, JUICE_LOCAL_AGENTS: options.agents, JUICE_LOG_LEVEL: 'warn' },
    inherited: options.inherited,
  });
  try {
    const tenant = createTenant(juice.url, 'bench');
    const ids: TaskId[] = [];
    let next = 0;
    const startedMs = performance.now();
    const submitSome = async (): Promise<void> => {
      for (let at = next++; at < tasks; at = next++) {
        const env = { name: 'WHICH', value: String(at) };
        const resources = { cpu: 0.1, mem: 256 };
        const commands = `echo $WHICH >> ${folder}/ran; true`;
        ids.push(await tenant.submit({ taskName: 'bench', callbackUrl: receiver.url, env, commands, resources }));
      }
    };
    await Promise.all(Array.from({ length: concurrency }, submitSome));
    const submittedMs = performance.now();
    const finished = (): number => receiver.received.filter(({ result }) => result === 'FINISHED').length;
    await until('every task to be called back', () => finished() >= tasks, { withinMs: 60_000 + tasks * 100 });
    const doneMs = performance.now();

    const ran = (await readFile(join(folder, 'ran'), 'utf8')).trim().split('\n');
    const finishedIds = new Set(
      receiver.received.filter(({ result }) => result === 'FINISHED').map(({ taskId }) => taskId),
    );
    const unsigned = receiver.received.filter(({ isSigned }) => !isSigned).length;
    const rate = (ms: number): string => `${(tasks / (ms / 1000)).toFixed(0)} a second`;
    say(
      `submitted     ${tasks} tasks at concurrency ${concurrency} in ${(submittedMs - startedMs).toFixed(0)} ms (${rate(submittedMs - startedMs)})`,
    );
    say(
      `ended, told   in ${(doneMs - startedMs).toFixed(0)} ms from the first submission (${rate(doneMs - startedMs)})`,
    );
    say(`process runs  ${ran.length}, of ${new Set(ran).size} different tasks`);
    say(
      `callbacks     ${finished()} FINISHED, for ${finishedIds.size} different tasks; ${unsigned} not signed rightly`,
    );
    const counts = [ids.length, ran.length, new Set(ran).size, finished(), finishedIds.size];
    return counts.every((count) => count === tasks) && unsigned === 0;
  } catch (error: unknown) {
    say(
      (await readFile(join(folder, 'standalone.log'), 'utf8'))
        .split('\n')
        .filter((line) => !line.includes('the stream is over'))
        .join('\n')
        .slice(-9_000),
    );
    throw error;
  } finally {
    await juice.end('SIGTERM');
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  }
}
