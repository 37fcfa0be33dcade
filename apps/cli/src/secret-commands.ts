import type { Command } from 'commander';
import type { CallbackSecretFacts } from '@juice/contracts';
import { readInteger } from './options.ts';
import { tell, tellAll } from './output.ts';
import { openSession, type World } from './world.ts';

const columns = {
  id: ({ secretId }: CallbackSecretFacts) => secretId,
  created: ({ createdAt }: CallbackSecretFacts) => createdAt,
  until: ({ expiresAt }: CallbackSecretFacts) => expiresAt,
};

/** `juice secrets`: what a tenant's callbacks are signed with. */
export function addSecretCommands(program: Command, world: World): void {
  const open = (command: Command) => openSession(command, world);
  const secrets = program.command('secrets').description('what a tenant’s callbacks are signed with');

  secrets
    .command('list')
    .description('operators: those of a tenant; without one, its callbacks are signed with the operator’s')
    .requiredOption('--of <tenant>', 'whose')
    .action(async ({ of }: { of: string }, command: Command) => {
      const { output, admin } = open(command);
      tellAll(output, await admin().callbackSecrets(of), columns);
    });

  secrets
    .command('rotate')
    .description('make a new one, which is shown this once; as a tenant with its key, or with --of as an operator')
    .option('--of <tenant>', 'whose')
    .option('--overlap <seconds>', 'for how long callbacks are signed with the one before as well', readInteger)
    .action(async ({ of, overlap }: { of?: string; overlap?: number }, command: Command) => {
      const { output, admin, tenant } = open(command);
      const how = overlap === undefined ? {} : { overlapSeconds: overlap };
      tell(
        output,
        await (of === undefined ? tenant().rotateCallbackSecret(how) : admin().rotateCallbackSecret(of, how)),
      );
    });

  secrets
    .command('remove')
    .description('operators: sign with one no longer, at once')
    .argument('<secret>', 'its id')
    .requiredOption('--of <tenant>', 'whose')
    .action(async (secretId: string, { of }: { of: string }, command: Command) => {
      const { output, admin } = open(command);
      tellAll(output, await admin().removeCallbackSecret(of, secretId), columns);
    });
}
