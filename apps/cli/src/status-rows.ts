import { serviceNames, type StatusAnswer } from '@juice/contracts';

/** A line of `juice status`. */
export interface StatusRow {
  readonly part: string;
  readonly what: string;
  readonly is: string | number | boolean | undefined;
}

type Facts = Readonly<Record<string, StatusRow['is']>>;
type Process = NonNullable<NonNullable<StatusAnswer['processes']>['processes']>[number];

/** More of them would fill the screen; `--json` has all. */
const mostHosts = 10;

/** What is not known is left out, and so is what an older service does not tell. */
export function rowsOfStatus(status: StatusAnswer): readonly StatusRow[] {
  const { asOf, api, processes, scheduler, queues, callbacks, endpoints, switches } = status;
  const { leader, cluster, waiting, pausing, running } = scheduler;
  const since = leader?.since === undefined ? '' : `, since ${leader.since}`;
  const version = api.version === undefined ? '' : `, version ${api.version}`;
  return [
    ...part('api', undefined, {
      'as of': asOf,
      answers: `${api.host}, since ${api.since}${version}, Node ${api.node}`,
    }),
    ...part('processes', processes?.problem, factsOfProcesses(processes)),
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

function part(name: string, problem: string | undefined, facts: Facts): StatusRow[] {
  const known = Object.entries({ problem, ...facts }).filter(([, is]) => is !== undefined);
  return known.map(([what, is]) => ({ part: name, what, is }));
}

/** A line for each service, also for one of which there is none: how many, and which version is where. */
function factsOfProcesses({ count = 0, processes: found }: NonNullable<StatusAnswer['processes']> = {}): Facts {
  if (found === undefined) return {};
  const isCut = count > found.length;
  const lines = serviceNames.map((name) => {
    const those = found.filter(({ service }) => service === name);
    // Of a list that was cut, none of a service says nothing of it.
    return [name, those.length === 0 && isCut ? undefined : describe(those)] as const;
  });
  return { ...(isCut && { all: `${count}, of which ${found.length} are listed` }), ...Object.fromEntries(lines) };
}

function describe(found: readonly Process[]): string {
  const versions = [...new Set(found.map(({ version }) => version))];
  const places = versions.map((each) => `${each} on ${hostsOf(found.filter(({ version }) => version === each))}`);
  return found.length === 0 ? 'none' : `${found.length}: ${places.join('; ')}`;
}

function hostsOf(found: readonly Process[]): string {
  const counts = new Map<string, number>();
  for (const { host } of found) counts.set(host, (counts.get(host) ?? 0) + 1);
  const hosts = [...counts].map(([host, count]) => (count === 1 ? host : `${host} (${count})`));
  const more = hosts.length - mostHosts;
  return [...hosts.slice(0, mostHosts), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
