import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigProblems, runMain } from '@juice/runtime';
import { servePart, type PartKind } from './callback-parts.ts';
import { measureCallbacks } from './callbacks.ts';
import { measureCalls } from './calls.ts';
import { measureEndToEnd } from './end-to-end.ts';
import { measureFailover } from './failover.ts';
import { runFaults } from './faults/fault-run.ts';
import { serveMaster, type MasterOrder } from './master-process.ts';
import { measureMatching } from './matching/match-bench.ts';
import { runTasksOnStandalone } from './standalone-tasks.ts';
import { showDay } from './simulation/day.ts';
import { cpuMicros, runSimulateCommand, simulateUsage } from './simulation/simulate-command.ts';
import { measureRequests } from './requests.ts';
import { measureTakeover } from './takeover.ts';

const usage = `npm run bench -- tasks [--tasks 1000] [--concurrency 32] [--agents 2:8:8192]
  Submits tasks (\`true\`, each adding its number to a file) to a standalone in a process of its own, and checks that each
  ran once and was called back once as FINISHED.
npm run bench -- end-to-end [--seconds 20] [--in-hand 256] [--per-second half] [--agents 20:16:65536]
  Takes tasks through a standalone whose executors are simulated, from the request to the callback: first as many as it gets done
  with so many in hand, then at a steady rate (half of that, if none is given). Checks that each ended once and was called back once.
npm run bench -- calls [--rounds 7] [--turn-ms 500] [--outstanding 128] [--accept-tasks 20] [--answer-ms 0,5]
                       [--acknowledgements 20000]
  Makes calls to masters in processes of their own, by the client, over pools of connections and pipelined, in turns, and
  tells how many a second were answered and how long that took. Then hands over as many acknowledgements at once.
npm run bench -- callbacks [--rounds 7] [--callbacks 4000] [--endpoints 100] [--per-second 300]
  Delivers a backlog of callbacks, beside got alone; then as many at a steady rate, with a receiver in the mix that never
  answers and without it.
npm run bench -- failover [--waiting 100000] [--running 10000] [--amqp-url URL]
  Kills the scheduler that leads, with so many tasks running and so many waiting for room, makes some, and tells how long it is to
  the first launch of the one that stood by; all in processes of their own, on the RabbitMQ of the URL or one that it starts.
npm run bench -- faults [--tasks 5000] [--seconds 180] [--seed 1]
  Ends so many tasks in so long, while callback workers and their store are killed, the broker is restarted and the receiver
  is down now and then, and checks that every end is called back, and nothing out of order.
npm run bench -- requests [--rounds 7] [--turn-ms 500] [--concurrency 1,64,512]
  Submits tasks to an api, and asks for one, beside a bare Express route that parses and answers the same; all of them and
  the store in processes of their own, in turns.
npm run bench -- match [--rounds 5] [--most 1000000] [--out folder]
  Matches what waits with what is offered, by the scheduling core and by first fit in turns, and tells what that costs; then
  how it grows, up to so many waiting tasks. With a folder, writes figures and a drawing there.
npm run bench -- day [--seed 1] [--out folder]
  Simulates a day, and draws what each tenant had.
${simulateUsage}`;

/** Options whose defaults differ from benchmark to benchmark. */
type Unsettled = 'out' | 'concurrency' | 'tasks' | 'agents' | 'seconds' | 'per-second' | 'amqp-url';

await runMain(async () => {
  const [command, ...args] = process.argv.slice(2);
  const folder = process.env.INIT_CWD ?? process.cwd();
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  if (command === 'simulate') return runSimulateCommand(args, { folder, say });
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tasks: { type: 'string' },
      concurrency: { type: 'string' },
      agents: { type: 'string' },
      'in-hand': { type: 'string', default: '256' },
      rounds: { type: 'string', default: '7' },
      'turn-ms': { type: 'string', default: '500' },
      outstanding: { type: 'string', default: '128' },
      'accept-tasks': { type: 'string', default: '20' },
      'answer-ms': { type: 'string', default: '0,5' },
      acknowledgements: { type: 'string', default: '20000' },
      callbacks: { type: 'string', default: '4000' },
      endpoints: { type: 'string', default: '100' },
      'per-second': { type: 'string' },
      waiting: { type: 'string', default: '100000' },
      running: { type: 'string', default: '10000' },
      'amqp-url': { type: 'string' },
      most: { type: 'string', default: '1000000' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
    },
  });
  const count = (name: Exclude<keyof typeof values, Unsettled>): number => readCount(name, values[name], 1);
  const out = values.out === undefined ? null : resolve(folder, values.out);
  switch (positionals[0]) {
    case 'tasks': {
      const isRight = await runTasksOnStandalone({
        bundles: resolve('dist/apps'),
        tasks: readCount('tasks', values.tasks ?? '1000', 1),
        concurrency: readCount('concurrency', values.concurrency ?? '32', 1),
        agents: values.agents ?? '2:8:8192',
        inherited: process.env,
        say,
      });
      process.exitCode = isRight ? 0 : 1;
      return;
    }
    case 'end-to-end': {
      const perSecond = values['per-second'];
      const isRight = await measureEndToEnd({
        seconds: readCount('seconds', values.seconds ?? '20', 1),
        inHand: count('in-hand'),
        perSecond: perSecond === undefined ? null : readCount('per-second', perSecond, 1),
        agents: values.agents ?? '20:16:65536',
        ...{ bundles: resolve('dist/apps'), inherited: process.env, say },
      });
      process.exitCode = isRight ? 0 : 1;
      return;
    }
    case 'calls': {
      const tasks = count('accept-tasks');
      const answerMs = values['answer-ms'].split(',').map((each) => readCount('answer-ms', each, 0));
      const acknowledgements = count('acknowledgements');
      const load = { rounds: count('rounds'), turnMs: count('turn-ms'), outstanding: count('outstanding') };
      await measureCalls({ ...load, tasks, answerMs, say });
      return measureTakeover({ acknowledgements, tasks, answerMs, say });
    }
    case 'callbacks': {
      const load = {
        callbacks: count('callbacks'),
        endpoints: count('endpoints'),
        perSecond: readCount('per-second', values['per-second'] ?? '300', 1),
      };
      return measureCallbacks({ rounds: count('rounds'), ...load, say });
    }
    case 'failover': {
      const isRight = await measureFailover({
        ...{ waiting: count('waiting'), running: count('running'), amqpUrl: values['amqp-url'] ?? null },
        ...{ bundles: resolve('dist/apps'), inherited: process.env, say },
      });
      process.exitCode = isRight ? 0 : 1;
      return;
    }
    case 'faults': {
      const load = {
        tasks: readCount('tasks', values.tasks ?? '5000', 1),
        seconds: readCount('seconds', values.seconds ?? '180', 1),
        seed: count('seed'),
      };
      const isRight = await runFaults({ ...load, bundles: resolve('dist/apps'), inherited: process.env, say });
      process.exitCode = isRight ? 0 : 1;
      return;
    }
    case 'requests': {
      const concurrency = (values.concurrency ?? '1,64,512')
        .split(',')
        .map((each) => readCount('concurrency', each, 1));
      return measureRequests({ rounds: count('rounds'), turnMs: count('turn-ms'), concurrency, say });
    }
    // For itself: what `callbacks` and `requests` start.
    case 'serve-part':
      return servePart(positionals[1] as PartKind, positionals[2] ?? '');
    case 'match':
      return measureMatching({ rounds: count('rounds'), most: count('most'), folder: out, say });
    case 'day':
      return showDay({ seed: count('seed'), folder: out, cpuMicros, say });
    // For itself: what `calls` starts.
    case 'serve-master':
      return serveMaster(JSON.parse(positionals[1] ?? '') as MasterOrder);
    default:
      say(usage);
      process.exitCode = positionals.length === 0 ? 0 : 64;
  }
});

function readCount(name: string, given: string, least: number): number {
  if (/^\d{1,9}$/.test(given) && Number(given) >= least) return Number(given);
  throw new ConfigProblems([{ variable: `--${name}`, given, problem: `must be a whole number from ${least}` }]);
}
