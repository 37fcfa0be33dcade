import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigProblems, runMain } from '@juice/runtime';
import { runChaos } from './chaos/chaos-run.ts';
import { servePart, type PartKind } from './chaos/parts.ts';

const usage = `npm run chaos -- [--minutes 10] [--seed 1] [--per-second 12] [--keep]
  Two of each service on RabbitMQ, a store and a cluster, all processes of their own; tenants submit tasks all the time, while
  services are killed and stopped and broker and store are killed and started again, as the seed says. Then checks that every accepted
  task has ended once, ran at most once per attempt, and was called back in order. Exits with 1 when anything was not so. Logs and
  findings are left in a folder that it names then; with --keep in any case.
`;

await runMain(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      'per-second': { type: 'string', default: '12' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [command, kind = '', options = ''] = positionals;
  // For itself: what a run starts.
  if (command === 'serve-part') return servePart(kind as PartKind, options);
  if (command !== undefined || values.help) {
    process.stdout.write(usage);
    process.exitCode = values.help ? 0 : 64;
    return;
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const isRight = await runChaos({
    lengthMs: readNumber('minutes', values.minutes, { most: 1_440 }) * 60_000,
    seed: Math.trunc(readNumber('seed', values.seed, { most: 2 ** 32 - 2 })),
    perSecond: readNumber('per-second', values['per-second'], { most: 1_000 }),
    keep: values.keep,
    bundles: resolve('dist/apps'),
    inherited: process.env,
    say: (line) => void process.stdout.write(`${line}\n`),
    signal: stopping.signal,
  });
  process.exitCode = isRight ? 0 : 1;
});

function readNumber(name: string, given: string, { most }: { most: number }): number {
  const value = Number(given);
  if (/^\d{1,10}(\.\d{1,3})?$/.test(given) && value > 0 && value <= most) return value;
  throw new ConfigProblems([{ variable: `--${name}`, given, problem: `must be a number above 0, at most ${most}` }]);
}
