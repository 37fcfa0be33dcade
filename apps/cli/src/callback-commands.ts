import { Option, type Command } from 'commander';
import type { CallbacksClient, DeadFilter, ReplayChoice } from '@juice/client';
import type { DeadCallback, ReplayAnswer } from '@juice/contracts';
import { exitStatus } from './exit-status.ts';
import { adminOption, readCallbackId, readInstant, readInteger } from './options.ts';
import { tell, tellAll, type Output } from './output.ts';
import { addReplayCommands, progressOf } from './replay-commands.ts';
import { openSession, UsageError, type Session, type World } from './world.ts';

const ofOption = new Option('--of <tenant>', 'with --admin: of this tenant');

/** Which dead callbacks; all that are given must hold. */
const filterOptions: readonly Option[] = [
  new Option('--endpoint <url>', 'the receivers’ origin, such as https://acme.example.com'),
  new Option('--cause <word>', 'what they were given up for, such as status-503'),
  new Option('--since <instant>', 'died at this instant or later').argParser(readInstant),
  new Option('--until <instant>', 'died before this instant').argParser(readInstant),
];

interface Asking {
  readonly admin?: boolean;
  readonly of?: string;
}

interface FilterOptions extends Asking {
  readonly group?: string;
  readonly endpoint?: string;
  readonly cause?: string;
  readonly since?: Date;
  readonly until?: Date;
}

/** Below `juice callbacks`, whose own argument is a task, and `juice replays`. */
export function addCallbackCommands(
  callbacks: Command,
  { program, world, exit }: { program: Command; world: World; exit: (status: number) => void },
): void {
  const asked = (name: string, description: string): Command =>
    callbacks.command(name).description(description).addOption(adminOption);
  const open = (command: Command, options: Asking): { output: Output; client: CallbacksClient; of: Of } =>
    openCallbacks(openSession(command, world), options);

  addDeadCommands({ asked, open });

  asked('show', 'a callback with every try, by its webhook-id or its task')
    .argument('<id>', 'a webhook-id, or a task', readCallbackId)
    .action(async (id: string, options: Asking, command: Command) => {
      const { output, client } = open(command, options);
      tell(output, await client.show(id));
    });

  asked('explain', 'why a callback is not delivered yet')
    .argument('<id>', 'a webhook-id, or a task', readCallbackId)
    .action(async (id: string, options: Asking, command: Command) => {
      const { output, client } = open(command, options);
      tell(output, await client.explain(id));
    });

  const replay = asked('replay', 'send dead callbacks again, and follow how far it is')
    .argument('[ids...]', 'webhook-ids or tasks', (text: string, before: string[] = []) => [
      ...before,
      readCallbackId(text),
    ])
    .addOption(ofOption)
    .option('--group <group>', 'those of one group, as dead --groups names it');
  for (const option of filterOptions) replay.addOption(option);
  replay
    .option('--all', 'every dead callback')
    .option('--reason <text>', 'why, for those who ask later')
    .option('--rate <number>', 'how many in a second at most', readInteger)
    .option('--dry-run', 'say what would be sent again, and send nothing')
    .option('--detach', 'do not wait for its end')
    .action(async (ids: readonly string[], options: ReplayOptions, command: Command) => {
      const { output, client } = open(command, options);
      const choice = choiceOf(ids, options);
      if (options.dryRun === true) return tellDryRun(output, await client.countReplay(choice));
      if (options.reason === undefined) throw new UsageError('say why, with --reason: it is kept with the replay');
      const made = await client.replay(choice, { reason: options.reason, ratePerSecond: options.rate });
      if (options.detach === true) return tell(output, made);
      exit(await follow({ client, output, world }, made));
    });

  for (const action of ['pause', 'resume'] as const) {
    asked(action, `${action} an endpoint: all receivers at one origin`)
      .argument('<endpoint>', 'such as https://acme.example.com')
      .addOption(ofOption)
      .option('--reason <text>', 'why, for those who ask later')
      .action(async (endpoint: string, options: Asking & { reason?: string }, command: Command) => {
        const { output, client, of } = open(command, options);
        const name = { ...of.oneTenant(), endpoint };
        const { reason } = options;
        tell(output, await client[action === 'pause' ? 'pauseEndpoint' : 'resumeEndpoint'](name, { reason }));
      });
  }

  asked('endpoints', 'endpoints that are, or lately were, out of the ordinary')
    .addOption(ofOption)
    .action(async (options: Asking, command: Command) => {
      const { output, client, of } = open(command, options);
      const found = [];
      for await (const endpoint of client.endpoints(of.anyTenant().tenant)) found.push(endpoint);
      tellAll(output, found, {
        tenant: ({ tenant }) => tenant,
        endpoint: ({ endpoint }) => endpoint,
        condition: ({ condition }) => condition,
        summary: ({ summary }) => summary,
      });
    });

  asked('test', 'have a test event sent to a receiver, and see how far it comes')
    .argument('<url>', 'the receiver')
    .addOption(ofOption)
    .action(async (url: string, options: Asking, command: Command) => {
      const { output, client, of } = open(command, options);
      const { phases, ...result } = await client.test({ ...of.oneTenant(), url });
      if (output.isJson) tell(output, { ...result, phases });
      else {
        tellAll(output, phases, {
          phase: ({ phase }) => phase,
          ok: ({ ok }) => ok,
          ms: ({ durationMs }) => durationMs,
        });
        tell(output, result);
      }
      if (result.outcome !== 'delivered') exit(exitStatus.refused);
    });

  addReplayCommands(program, { world, exit, open, follow });
}

interface ReplayOptions extends FilterOptions {
  readonly all?: boolean;
  readonly reason?: string;
  readonly rate?: number;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
}

function addDeadCommands(given: {
  asked: (name: string, description: string) => Command;
  open: (command: Command, options: Asking) => { output: Output; client: CallbacksClient; of: Of };
}): void {
  const dead = given
    .asked('dead', 'what was given up, one by one or by what it was given up for')
    .addOption(ofOption)
    .option('--group <group>', 'those of one group');
  for (const option of filterOptions) dead.addOption(option);
  dead
    .option('--groups', 'by what they were given up for, the largest group first')
    .option('--limit <number>', 'how many at most', readInteger, 100)
    .action(async (options: FilterOptions & { groups?: boolean }, command: Command) => {
      // `juice callbacks` has the option too, and takes it.
      const { limit } = command.optsWithGlobals<{ limit: number }>();
      const { output, client, of } = given.open(command, options);
      if (limit < 1) throw new UsageError('--limit must be at least 1');
      const filter = { ...filterOf(options), ...of.anyTenant() };
      if (options.groups === true) {
        if (options.group !== undefined) throw new UsageError('--group and --groups do not go together');
        const { groups } = await client.deadGroups({ ...filter, limit: Math.min(limit, 500) });
        return tellAll(output, groups, {
          group: ({ group }) => group,
          count: ({ count }) => count,
          tenant: ({ tenant }) => tenant,
          endpoint: ({ endpoint }) => endpoint,
          cause: ({ causeText }) => causeText,
          first: ({ firstAt }) => firstAt,
          last: ({ lastAt }) => lastAt,
        });
      }
      const found: DeadCallback[] = [];
      const pageSize = Math.min(limit, 1000);
      for await (const one of client.dead({ ...filter, group: options.group, pageSize })) {
        found.push(one);
        if (found.length >= limit) break;
      }
      tellAll(output, found, deadColumns);
    });
}

const deadColumns = {
  id: ({ callbackId }: DeadCallback) => callbackId,
  name: ({ taskName }: DeadCallback) => taskName,
  tenant: ({ tenant }: DeadCallback) => tenant,
  endpoint: ({ endpoint }: DeadCallback) => endpoint,
  cause: ({ causeText }: DeadCallback) => causeText,
  tries: ({ tries }: DeadCallback) => tries,
  died: ({ diedAt }: DeadCallback) => diedAt,
  group: ({ group }: DeadCallback) => group,
};

/** Whose callbacks an operator means; a tenant is always meant itself. */
interface Of {
  anyTenant(): { readonly tenant?: string };
  /** Where one must be named. */
  oneTenant(): { readonly tenant?: string };
}

function openCallbacks(session: Session, { admin, of }: Asking): { output: Output; client: CallbacksClient; of: Of } {
  const isAdmin = admin === true;
  if (!isAdmin && of !== undefined) throw new UsageError('--of goes with --admin: a tenant asks about itself');
  const tenant = of === undefined ? {} : { tenant: of };
  return {
    output: session.output,
    client: session.callbacks(isAdmin),
    of: {
      anyTenant: () => tenant,
      oneTenant() {
        if (isAdmin && of === undefined) throw new UsageError('say whose it is, with --of <tenant>');
        return tenant;
      },
    },
  };
}

function filterOf({ endpoint, cause, since, until }: FilterOptions): DeadFilter {
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(cause !== undefined && { cause }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

function choiceOf(ids: readonly string[], options: ReplayOptions): ReplayChoice {
  const filter = { ...filterOf(options), ...(options.of !== undefined && { tenant: options.of }) };
  const hasFilter = Object.keys(filter).length > 0;
  const ways = [ids.length > 0, options.group !== undefined, hasFilter, options.all === true];
  if (ways.filter(Boolean).length !== 1)
    throw new UsageError('say which, in one way: by ids, by --group, by options that choose, or --all');
  if (ids.length > 0) return { ids };
  if (options.group !== undefined) return { group: options.group };
  return { filter: hasFilter ? filter : { all: true } };
}

function tellDryRun(output: Output, { matched, sample, ...others }: { matched: number; sample: DeadCallback[] }): void {
  if (output.isJson) return tell(output, { ...others, matched, sample });
  tell(output, { matched });
  tellAll(output, sample, deadColumns);
}

/** Tells how far a replay is, until it has ended or is paused; how the program ends. */
async function follow(
  { client, output, world }: { client: CallbacksClient; output: Output; world: World },
  made: ReplayAnswer,
): Promise<number> {
  if (!output.isJson) world.complain(`replay ${made.replayId}: it goes on by itself should this be interrupted`);
  let last = made;
  let told = '';
  for await (const replay of client.followReplay(made.replayId)) {
    last = replay;
    const line = progressOf(replay);
    if (!output.isJson && line !== told) world.complain(line);
    told = line;
  }
  tell(output, last);
  // As a program that was asked to send them: some were not taken.
  return last.state === 'done' && last.failedAgain === 0 ? 0 : exitStatus.refused;
}
