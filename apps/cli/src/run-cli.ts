import { Command, CommanderError } from 'commander';
import { JuiceError } from '@juice/client';
import { productVersion } from '@juice/contracts';
import { addAdminCommands } from './admin-commands.ts';
import { addCallbackCommands } from './callback-commands.ts';
import { exitStatus, exitStatusHelp, statusOfError } from './exit-status.ts';
import { addFollowCommands } from './follow-commands.ts';
import { addPoisonCommands } from './poison-commands.ts';
import { addSecretCommands } from './secret-commands.ts';
import { addSubmitCommand } from './submit-command.ts';
import { addStatusCommand } from './status-command.ts';
import { addSwitchCommands } from './switch-commands.ts';
import { addTaskCommands } from './task-commands.ts';
import { addUsageCommands } from './usage-commands.ts';
import { UsageError, type World } from './world.ts';

const environmentHelp = `
Environment:
  JUICE_URL        the service; http://127.0.0.1:8080 when not set
  JUICE_TENANT     the tenant, where the service believes it
  JUICE_API_KEY    a key of the tenant
  JUICE_ADMIN_KEY  an admin key, for tenants, keys, secrets, queue, audit, poison, status, switches, and callbacks and usage with --admin`;

/** Runs one command line; resolves with the exit status. Throws what is no failure of the request or its caller. */
export async function runCli(argv: readonly string[], world: World): Promise<number> {
  let status = 0;
  const program = createProgram(world, (ended) => void (status = ended));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error: unknown) {
    // Commander has said what is wrong, or shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitStatus.usage;
    if (error instanceof UsageError) {
      world.complain(`error: ${error.message}`);
      return exitStatus.usage;
    }
    const failed = statusOfError(error);
    if (failed === null) throw error;
    complainOf(error as Error, world);
    return failed;
  }
}

function createProgram(world: World, exit: (status: number) => void): Command {
  const program = new Command('juice')
    .description('One-shot tasks on Apache Mesos.')
    .version(productVersion, '--version', 'tell the version of this command')
    .option('--url <url>', 'the service')
    .option('--tenant <tenant>', 'the tenant')
    .option('--json', 'tell in JSON, for programs')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.say(text.trimEnd()),
      writeErr: (text) => world.complain(text.trimEnd()),
    })
    .addHelpText('after', `${environmentHelp}\n${exitStatusHelp}`);
  addSubmitCommand(program, world, exit);
  const { callbacks } = addTaskCommands(program, world, exit);
  addFollowCommands(program, world);
  addCallbackCommands(callbacks, { program, world, exit });
  addAdminCommands(program, world);
  addSecretCommands(program, world);
  addPoisonCommands(program, world);
  addUsageCommands(program, world);
  addStatusCommand(program, world);
  addSwitchCommands(program, world);
  return program;
}

/** Every problem on a line of its own, and what the service's log knows the request by. */
function complainOf(error: Error, { complain }: World): void {
  complain(`error: ${error.message}`);
  if (!(error instanceof JuiceError)) return;
  if (error.details.length > 1) for (const { message } of error.details) complain(`  ${message}`);
  if (error.requestId !== null) complain(`  request ${error.requestId}`);
}
