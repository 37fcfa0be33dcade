import { Argument, type Command } from 'commander';
import { tell, tellAll } from './output.ts';
import { openSession, UsageError, type World } from './world.ts';

/** `juice switches`: what operators have stopped. For operators. */
export function addSwitchCommands(program: Command, world: World): void {
  const switches = program.command('switches').description('operators: what is stopped');
  switches
    .command('list', { isDefault: true })
    .description('the switches that are on, and the usual ones')
    .action(async (_options: object, command: Command) => {
      const { output, admin } = openSession(command, world);
      tellAll(output, await admin().switches(), {
        switch: ({ name }) => name,
        is: ({ on }) => (on ? 'on' : 'off'),
        since: ({ since }) => since,
        by: ({ by }) => by,
        reason: ({ reason }) => reason,
      });
    });
  switches
    .command('set')
    .description('turn a switch on or off; every process heeds it within seconds')
    .argument('<switch>', 'stop-launching, stop-launching:<role>, stop-intake or drain-scheduler:<host>')
    .addArgument(new Argument('<state>').choices(['on', 'off']))
    .option('--reason <text>', 'why; tenants are told it while launching or intake is stopped')
    .action(async (name: string, state: string, { reason }: { reason?: string }, command: Command) => {
      const { output, admin } = openSession(command, world);
      if (reason === undefined) throw new UsageError('say why, with --reason: it is kept in the audit trail');
      tell(output, await admin().turnSwitch(name, { on: state === 'on', reason }));
    });
}
