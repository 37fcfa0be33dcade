import type { Command } from 'commander';
import type { StatusAnswer } from '@juice/contracts';
import { tell, tellAll } from './output.ts';
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
      tellAll(output, rowsOf(status), { part: ({ part }) => part, what: ({ what }) => what, is: ({ is }) => is });
    });
}

interface Row {
  readonly part: string;
  readonly what: string;
  readonly is: string | number | boolean | undefined;
}

function rowsOf({ asOf, api, scheduler, queues, callbacks, endpoints, switches }: StatusAnswer): readonly Row[] {
  const { leader, cluster, waiting, pausing, running } = scheduler;
  const since = leader?.since === undefined ? '' : `, since ${leader.since}`;
  return [
    ...part('api', undefined, { 'as of': asOf, answers: `${api.host}, since ${api.since}, Node ${api.node}` }),
    ...part('scheduler', scheduler.problem, {
      leader: leader === undefined ? undefined : `${leader.host}, epoch ${leader.epoch}${since}`,
      ...{ waiting, pausing, running },
      ...{ subscribed: cluster?.subscribed, agents: cluster?.agents, offers: cluster?.offers },
    }),
    ...part(
      'queues',
      queues.problem,
      Object.fromEntries(
        (queues.queues ?? []).map(({ queue, messages, consumers }) => {
          return [queue, `${messages} messages, ${consumers} consumers`];
        }),
      ),
    ),
    ...part('callbacks', callbacks.problem, {
      ...{ pending: callbacks.pending, held: callbacks.held, dead: callbacks.dead },
    }),
    ...part('endpoints', endpoints.problem, {
      ...{ 'breaker open': endpoints.open, paused: endpoints.paused, gone: endpoints.gone },
      such: (endpoints.examples ?? []).join(', ') || undefined,
    }),
    ...part(
      'switches',
      switches.problem,
      Object.fromEntries((switches.on ?? []).map(({ name, since: at, reason }) => [name, `on since ${at}: ${reason}`])),
    ),
  ];
}

/** What is not known is left out. */
function part(name: string, problem: string | undefined, facts: Readonly<Record<string, Row['is']>>): Row[] {
  const known = Object.entries({ problem, ...facts }).filter(([, is]) => is !== undefined);
  return known.map(([what, is]) => ({ part: name, what, is }));
}
