import type { Command } from 'commander';
import type { CallbacksClient } from '@juice/client';
import type { ReplayAnswer } from '@juice/contracts';
import { adminOption, readInteger } from './options.ts';
import { tell, tellAll, type Output } from './output.ts';
import { UsageError, type World } from './world.ts';

interface Asking {
  readonly admin?: boolean;
}

/** `juice replays`: those that were made, and words to them. */
export function addReplayCommands(
  program: Command,
  deps: {
    readonly world: World;
    readonly exit: (status: number) => void;
    readonly open: (command: Command, options: Asking) => { output: Output; client: CallbacksClient };
    readonly follow: (
      how: { client: CallbacksClient; output: Output; world: World },
      replay: ReplayAnswer,
    ) => Promise<number>;
  },
): void {
  const { world, exit, open, follow } = deps;
  const replays = program
    .command('replays')
    .description('dead callbacks that are sent again: how far, pause, resume, cancel');

  replays
    .command('list', { isDefault: true })
    .description('the newest first')
    .addOption(adminOption)
    .option('--limit <number>', 'how many at most', readInteger, 20)
    .action(async (options: Asking & { limit: number }, command: Command) => {
      const { output, client } = open(command, options);
      if (options.limit < 1) throw new UsageError('--limit must be at least 1');
      const found: ReplayAnswer[] = [];
      for await (const replay of client.replays({ pageSize: Math.min(options.limit, 1000) })) {
        found.push(replay);
        if (found.length >= options.limit) break;
      }
      tellAll(output, found, {
        id: ({ replayId }) => replayId,
        state: ({ state }) => state,
        selected: ({ selected }) => selected,
        replayed: ({ replayed }) => replayed,
        delivered: ({ delivered }) => delivered,
        failed: ({ failedAgain }) => failedAgain,
        by: ({ by }) => by,
        reason: ({ reason }) => reason,
      });
    });

  replays
    .command('show')
    .description('how far a replay is')
    .argument('<replay>')
    .addOption(adminOption)
    .option('--follow', 'until it has ended or is paused')
    .action(async (replayId: string, options: Asking & { follow?: boolean }, command: Command) => {
      const { output, client } = open(command, options);
      const replay = await client.showReplay(replayId);
      if (options.follow !== true) return tell(output, replay);
      exit(await follow({ client, output, world }, replay));
    });

  for (const action of ['pause', 'resume', 'cancel'] as const) {
    replays
      .command(action)
      .description(`${action} a replay; what is armed stays so`)
      .argument('<replay>')
      .addOption(adminOption)
      .option('--reason <text>', 'why, for those who ask later')
      .action(async (replayId: string, options: Asking & { reason?: string }, command: Command) => {
        const { output, client } = open(command, options);
        tell(output, await client.changeReplay(replayId, action, { reason: options.reason }));
      });
  }
}

/** How far a replay is, in a line. */
export function progressOf({
  state,
  selected,
  replayed,
  delivered,
  failedAgain,
  waiting,
  skipped,
}: ReplayAnswer): string {
  const failed = failedAgain === 0 ? '' : `, ${failedAgain} failed again`;
  const gone = skipped === 0 ? '' : `, ${skipped} no longer dead`;
  return `${state}: ${replayed} of ${selected} sent again, ${delivered} delivered, ${waiting} waiting${failed}${gone}`;
}
