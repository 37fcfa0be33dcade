import type { Command } from 'commander';
import { tell, tellAll } from './output.ts';
import { rowsOfStatus } from './status-rows.ts';
import { openSession, type World } from './world.ts';

/** `juice status`: the system on one screen. For operators. */
export function addStatusCommand(program: Command, world: World): void {
  program
    .command('status')
    .description('operators: the system on one screen')
    .action(async (_options: object, command: Command) => {
      const { output, admin } = openSession(command, world);
      const status = await admin().status();
      if (output.isJson) return tell(output, status);
      tellAll(output, rowsOfStatus(status), { part: ({ part }) => part, what: ({ what }) => what, is: ({ is }) => is });
    });
}
