import { runMain } from '@juice/runtime';
import { runDoctor } from './doctor-command.ts';

// Whoever reads has seen enough, as in `doctor | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

await runMain(async () => {
  process.exitCode = await runDoctor(process.argv.slice(2), {
    env: process.env,
    say: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
  });
});
