import type { Command } from 'commander';
import type { Submission } from '@juice/client';
import { statusOfTask } from './exit-status.ts';
import { readInteger, readNumber, readObject, readPair } from './options.ts';
import { tell } from './output.ts';
import { openSession, UsageError, type World } from './world.ts';

interface SubmitOptions {
  readonly file?: string;
  readonly name?: string;
  readonly shell?: string;
  readonly image?: string;
  readonly cpu?: number;
  readonly mem?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly label?: Readonly<Record<string, string>>;
  readonly retry?: number;
  readonly priority?: number;
  readonly maxRun?: number;
  readonly callback?: string;
  readonly key?: string;
  readonly wait?: boolean;
}

export function addSubmitCommand(program: Command, world: World, exit: (status: number) => void): void {
  program
    .command('submit')
    .description('submit a task: a program and its arguments behind --, a shell command, an image, or a file')
    .argument('[program...]', 'a program and its arguments, run without a shell; of an image, its arguments')
    .option('-f, --file <path>', 'the submission in JSON, - for the standard input; other options change it')
    .option('-n, --name <name>', 'its name; by default the program’s')
    .option('-s, --shell <command>', 'a shell command')
    .option('-i, --image <image>', 'an image to run in a container')
    .option('--cpu <number>', 'CPUs', readNumber)
    .option('--mem <mb>', 'MB of memory', readNumber)
    .option('-e, --env <name=value>', 'an environment variable; may be repeated', readPair)
    .option('-l, --label <key=value>', 'a label; may be repeated', readPair)
    .option('--retry <times>', 'how often to run it again after a failure of its own', readInteger)
    .option('--priority <number>', '0 to 100', readInteger)
    .option('--max-run <seconds>', 'how long an attempt may run', readInteger)
    .option('--callback <url>', 'where its states are called back')
    .option('--key <key>', 'the Idempotency-Key; with the same one the task is stored once')
    .option('-w, --wait', 'wait for its end, and end like it')
    .action(async (argv: readonly string[], options: SubmitOptions, command: Command) => {
      const { output, tenant } = openSession(command, world);
      const base = options.file === undefined ? {} : await readSubmission(options.file, world);
      const client = tenant();
      const keyed = options.key === undefined ? {} : { idempotencyKey: options.key };
      const id = await client.submit(submissionOf(base, argv, options), keyed);
      if (options.wait !== true) {
        // The id alone, for scripts.
        return output.isJson ? tell(output, { taskId: id, taskIdStr: String(id) }) : output.say(String(id));
      }
      const ended = await client.wait(id);
      tell(output, ended);
      exit(statusOfTask(ended));
    });
}

async function readSubmission(path: string, { readText }: World): Promise<object> {
  const text = await readText(path).catch((error: unknown) => {
    throw new UsageError(`--file cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  try {
    return readObject(text);
  } catch {
    throw new UsageError('--file must hold one JSON object, the body of a submission');
  }
}

/** Options change what the file has; what is wrong with the whole is the service's to say. */
function submissionOf(base: object, argv: readonly string[], options: SubmitOptions): Submission {
  const { shell, image, cpu, mem, env = {} } = options;
  const asked = base as Partial<Submission>;
  const variables = Object.entries(env).map(([name, value]) => ({ name, value }));
  const taskName = options.name ?? asked.taskName ?? argv[0] ?? image ?? shell?.trim().split(/\s+/)[0];
  if (taskName === undefined) throw new UsageError('say what to run: a program behind --, --shell, --image or --file');
  return {
    ...asked,
    taskName,
    ...(shell !== undefined && { commands: shell }),
    ...(image !== undefined && { container: { docker: { image } }, ...(argv.length > 0 && { args: argv }) }),
    ...(image === undefined && argv.length > 0 && { commands: argv }),
    ...((cpu !== undefined || mem !== undefined) && {
      resources: { ...asked.resources, ...(cpu !== undefined && { cpu }), ...(mem !== undefined && { mem }) },
    }),
    ...(variables.length > 0 && { env: [...[asked.env ?? []].flat(), ...variables] }),
    ...(options.label !== undefined && { labels: { ...asked.labels, ...options.label } }),
    ...(options.retry !== undefined && { retry: options.retry }),
    ...(options.priority !== undefined && { priority: options.priority }),
    ...(options.maxRun !== undefined && { maxRunSeconds: options.maxRun }),
    ...(options.callback !== undefined && { callbackUrl: options.callback }),
  };
}
