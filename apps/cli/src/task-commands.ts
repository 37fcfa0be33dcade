import type { Command } from 'commander';
import type { TaskDetail, TaskListEntry } from '@juice/contracts';
import { exitStatus, statusOfTask } from './exit-status.ts';
import { choiceOf, choiceOptions, readId, readIds, readInteger, readObject, type ChoiceOptions } from './options.ts';
import { tell, tellAll } from './output.ts';
import { openSession, UsageError, type World } from './world.ts';

const taskColumns = {
  id: ({ taskIdStr }: TaskListEntry) => taskIdStr,
  name: ({ taskName }: TaskListEntry) => taskName,
  status: ({ taskStatusName }: TaskListEntry) => taskStatusName,
  attempt: ({ attempt }: TaskListEntry) => attempt,
  host: ({ agentHost }: TaskListEntry) => agentHost,
  submitted: ({ submittedAt }: TaskListEntry) => submittedAt,
  message: ({ message }: TaskListEntry) => message,
};

/** The commands about tasks that there are already. */
export function addTaskCommands(
  program: Command,
  world: World,
  exit: (status: number) => void,
): { callbacks: Command } {
  const open = (command: Command) => openSession(command, world);
  const ofTask = (name: string, description: string) =>
    program.command(name).description(description).argument('<id>', 'the task', readId);

  ofTask('get', 'a task with every attempt, its timeline and what was submitted').action(
    async (id: string, _options: object, command: Command) => {
      const { output, tenant } = open(command);
      tell(output, await tenant().get(id));
    },
  );

  const list = program.command('list').description('the tenant’s tasks, the newest first');
  for (const option of choiceOptions) list.addOption(option);
  list
    .option('--limit <number>', 'how many at most', readInteger, 100)
    .action(async (options: ChoiceOptions & { limit: number }, command: Command) => {
      const { output, tenant } = open(command);
      const found: TaskListEntry[] = [];
      if (options.limit < 1) throw new UsageError('--limit must be at least 1');
      const pageSize = Math.min(options.limit, 1000);
      for await (const task of tenant().list({ ...choiceOf(options), pageSize })) {
        found.push(task);
        if (found.length >= options.limit) break;
      }
      tellAll(output, found, taskColumns);
    });

  ofTask('why', 'why a task waits').action(async (id: string, _options: object, command: Command) => {
    const { output, tenant } = open(command);
    tell(output, await tenant().why(id));
  });

  const kill = program.command('kill').description('end tasks: by their ids, or all that match the options');
  kill.argument('[ids...]', 'the tasks', readIds);
  for (const option of choiceOptions) kill.addOption(option);
  kill
    .option('--all', 'every task that has not ended')
    .option('--dry-run', 'say what would be killed, and kill nothing')
    .action(async (ids: readonly string[], options: KillOptions, command: Command) => {
      const { output, tenant } = open(command);
      const choice = choiceOf(options);
      const isChosen = options.all === true || Object.keys(choice).length > 0;
      if (isChosen === ids.length > 0)
        throw new UsageError('say which tasks: by ids, by options that choose, or --all');
      if (isChosen) {
        const dryRun = options.dryRun === true;
        return tell(output, await tenant().killWhere(options.all === true ? 'all' : choice, { dryRun }));
      }
      if (options.dryRun === true) throw new UsageError('--dry-run goes with options that choose tasks');
      const { results } = await tenant().killMany(ids);
      tellAll(output, results, {
        id: ({ taskIdStr }) => taskIdStr,
        taken: ({ submitKill }) => submitKill,
        message: ({ resultMessage }) => resultMessage,
      });
      if (results.some(({ currentStatus }) => currentStatus === undefined)) exit(exitStatus.refused);
    });

  ofTask('wait', 'wait for a task’s end, and end like it')
    .option('--timeout <seconds>', 'how long', readInteger)
    .action(async (id: string, { timeout }: { timeout?: number }, command: Command) => {
      const { output, tenant } = open(command);
      const signal = timeout === undefined ? undefined : AbortSignal.timeout(timeout * 1000);
      const ended = await tenant()
        .wait(id, { signal })
        .catch((error: unknown): TaskDetail | null => {
          if (signal?.aborted === true && error === signal.reason) return null;
          throw error;
        });
      if (ended === null) {
        world.complain(`the task has not ended within ${timeout} seconds`);
        return exit(exitStatus.timedOut);
      }
      tell(output, ended);
      exit(statusOfTask(ended));
    });

  ofTask('rerun', 'run a task again, as a new one')
    .option('--force', 'also when it has not ended')
    .option('--changes <json>', 'members of a submission that are to be different', readObject)
    .option('--key <key>', 'the Idempotency-Key')
    .action(async (id: string, options: RerunOptions, command: Command) => {
      const { output, tenant } = open(command);
      const changes = { ...options.changes, ...(options.force === true && { force: true }) };
      tell(output, await tenant().rerun(id, changes, options.key === undefined ? {} : { idempotencyKey: options.key }));
    });

  const callbacks = ofTask('callbacks', 'how a task’s callbacks stand, and every try; dead ones, replays, endpoints')
    .option('--limit <number>', 'how many tries at most', readInteger, 100)
    .action(async (id: string, { limit }: { limit: number }, command: Command) => {
      const { output, tenant } = open(command);
      const { lane, tries, ...others } = await tenant().callbacks(id, { limit });
      if (output.isJson) return tell(output, { ...others, lane, tries });
      if (lane !== undefined) tell(output, lane);
      tellAll(output, tries, {
        at: ({ startedAt }) => startedAt,
        state: ({ taskStatusName }) => taskStatusName,
        try: (one) => one.try,
        outcome: ({ outcome }) => outcome,
        http: ({ httpStatus }) => httpStatus,
        cause: ({ cause }) => cause,
      });
    });

  program
    .command('reconcile')
    .description('ask the cluster for the true state of tasks')
    .argument('<ids...>', 'the tasks', readIds)
    .action(async (ids: readonly string[], _options: object, command: Command) => {
      const { output, tenant } = open(command);
      tellAll(output, (await tenant().reconcile(ids)).reconciles, {
        id: ({ taskIdStr }) => taskIdStr,
        asked: ({ reconciled }) => reconciled,
        message: ({ message }) => message,
      });
    });

  program
    .command('whoami')
    .description('what holds for the tenant')
    .action(async (_options: object, command: Command) => {
      const { output, tenant } = open(command);
      tell(output, await tenant().tenant());
    });
  return { callbacks };
}

interface KillOptions extends ChoiceOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

interface RerunOptions {
  readonly force?: boolean;
  readonly changes?: object;
  readonly key?: string;
}
