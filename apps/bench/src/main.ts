import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runMain } from '@juice/runtime';
import { runTasksOnStandalone } from './standalone-tasks.ts';

const usage = `npm run bench -- tasks [--tasks 1000] [--concurrency 32] [--agents 2:8:8192]
  Submits tasks (\`true\`, each adding its number to a file) to a standalone in a process of its own, and checks that each
  ran once and was called back once as FINISHED.`;

await runMain(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tasks: { type: 'string', default: '1000' },
      concurrency: { type: 'string', default: '32' },
      agents: { type: 'string', default: '2:8:8192' },
    },
  });
  if (positionals[0] !== 'tasks') {
    process.stdout.write(`${usage}\n`);
    process.exitCode = positionals.length === 0 ? 0 : 64;
    return;
  }
  const isRight = await runTasksOnStandalone({
    bundles: resolve('dist/apps'),
    tasks: Number(values.tasks),
    concurrency: Number(values.concurrency),
    agents: values.agents,
    inherited: process.env,
    say: (line) => void process.stdout.write(`${line}\n`),
  });
  process.exitCode = isRight ? 0 : 1;
});
