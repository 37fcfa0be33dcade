import type { Command } from 'commander';
import { readInteger } from './options.ts';
import { tell, tellAll } from './output.ts';
import { openSession, UsageError, type World } from './world.ts';

/** `juice poison`: messages of the broker that could not be used. For operators. */
export function addPoisonCommands(program: Command, world: World): void {
  const poison = program.command('poison').description('operators: messages that could not be used');
  poison
    .command('list', { isDefault: true })
    .description('how many, and the oldest of them; they stay where they are')
    .option('--limit <number>', 'how many are shown', readInteger, 20)
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const { output, admin } = openSession(command, world);
      const { count, messages } = await admin().poison({ limit });
      if (output.isJson) return tell(output, { count, messages });
      tell(output, { count });
      tellAll(output, messages, {
        queue: ({ queue }) => queue,
        reason: ({ reason }) => reason,
        at: ({ at }) => at,
        bytes: ({ bytes }) => bytes,
        start: ({ start }) => start.slice(0, 100),
      });
    });
  poison
    .command('redrive')
    .description('put the oldest back into the queues that they came from')
    .option('--limit <number>', 'how many at most', readInteger, 100)
    .option('--reason <text>', 'why, for those who ask later')
    .action(async ({ limit, reason }: { limit: number; reason?: string }, command: Command) => {
      const { output, admin } = openSession(command, world);
      if (reason === undefined) throw new UsageError('say why, with --reason: it is kept in the audit trail');
      tell(output, await admin().redrivePoison({ limit, reason }));
    });
}
