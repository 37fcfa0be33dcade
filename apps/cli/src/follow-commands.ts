import { Option, type Command } from 'commander';
import { readId, readInteger } from './options.ts';
import { plain, tell } from './output.ts';
import { openSession, type World } from './world.ts';

/** The commands that may go on: what a task writes, and what becomes of tasks. */
export function addFollowCommands(program: Command, world: World): void {
  program
    .command('logs')
    .description('what a task has written')
    .argument('<id>', 'the task', readId)
    .option('--stderr', 'the standard error in place of the standard output')
    .option('-f, --follow', 'go on with what is written, until the attempt has ended')
    .option('--attempt <number>', 'whose output; by default that of the last attempt', readInteger)
    .option('--offset <bytes>', 'where to begin; negative: so many of the last bytes', readInteger)
    .option('--length <bytes>', 'how much at most', readInteger)
    .action(async (id: string, { stderr, ...options }: LogOptions, command: Command) => {
      const { tenant } = openSession(command, world);
      const how = { ...options, stream: stderr === true ? ('stderr' as const) : ('stdout' as const) };
      for await (const text of tenant().log(id, how)) world.write(text);
    });

  program
    .command('events')
    .description('what becomes of a task, until it has ended; without one, of all the tenant’s tasks')
    .argument('[id]', 'the task', readId)
    .addOption(
      new Option('--from <place>', 'all that is kept (of one task, the default), or what happens from now on').choices([
        'start',
        'now',
      ]),
    )
    .option('--after <event>', 'what comes after the event of this id')
    .action(async (id: string | undefined, { from, after }: EventOptions, command: Command) => {
      const { tenant, output } = openSession(command, world);
      // Of one task, all that there is: it may have ended already.
      const begin = from ?? (id === undefined ? 'now' : 'start');
      for await (const event of tenant().events(id ?? null, { from: begin, lastEventId: after })) {
        if (output.isJson) tell(output, event);
        else if (event.data === null) world.complain('events may be missing here: they are no longer kept');
        else {
          const { at, taskIdStr, taskStatusName, attempt, message } = event.data;
          output.say([at, taskIdStr, taskStatusName, `attempt ${attempt}`, plain(message)].join('  '));
        }
      }
    });
}

interface LogOptions {
  readonly stderr?: boolean;
  readonly follow?: boolean;
  readonly attempt?: number;
  readonly offset?: number;
  readonly length?: number;
}

interface EventOptions {
  readonly from?: 'start' | 'now';
  readonly after?: string;
}
