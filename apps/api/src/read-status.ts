import { DependencyFailure, productVersion, type StatusAnswer } from '@juice/contracts';
import type { QueueCount } from '@juice/messaging';
import type { Endpoint, LaneOverview, SeenProcess } from '@juice/persistence';
import type { AskLeader } from './ask-leader.ts';
import type { SwitchBoard } from './turn-switch.ts';

/** What the overview asks; each may fail or hang, and the others are told all the same. */
export interface StatusSources {
  readonly lease: () => Promise<{ readonly holder: string | null; readonly epoch: number } | null>;
  readonly survey: AskLeader['survey'];
  readonly countMessages: () => Promise<readonly QueueCount[]>;
  readonly overviewLanes: (tenants: number) => Promise<LaneOverview>;
  readonly endpointsAfter: (tenantId: null, after: null, limit: number) => Promise<readonly Endpoint[]>;
  readonly switches: SwitchBoard['show'];
  readonly findProcesses: (
    withinMs: number,
    limit: number,
  ) => Promise<{ readonly count: number; readonly processes: readonly SeenProcess[] }>;
}

/** Never rejects but for a bug. */
export type ReadStatus = () => Promise<StatusAnswer>;

/** Whoever asks looks at a screen: a part that takes longer is told as one that could not be asked. */
const partDeadlineMs = 3_000;
const mostEndpoints = 1_000;
const mostExamples = 10;
/** They say at most 45 seconds apart that they run: one that was not heard once is told all the same. */
const seenWithinMs = 90_000;
const mostProcesses = 200;

export function createReadStatus(deps: {
  sources: StatusSources;
  self: { readonly host: string; readonly sinceMs: number; readonly node: string };
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  now: () => number;
}): ReadStatus {
  const { sources, self } = deps;

  async function part<T extends object>(read: () => Promise<T>): Promise<Partial<T> & { problem?: string }> {
    const over = new AbortController();
    const late = deps.wait(partDeadlineMs, over.signal).then(() => null);
    try {
      const found = await Promise.race([read(), late]);
      return (
        found ??
        ({ problem: `it did not answer within ${partDeadlineMs / 1000} seconds` } as Partial<T> & { problem: string })
      );
    } catch (error: unknown) {
      if (!(error instanceof DependencyFailure)) throw error;
      return { problem: error.message } as Partial<T> & { problem: string };
    } finally {
      over.abort();
    }
  }

  async function scheduler(): Promise<StatusAnswer['scheduler']> {
    const lease = await sources.lease();
    if (lease === null || lease.holder === null) return { problem: 'no scheduler leads' };
    const leader = { host: lease.holder.split('/')[0] ?? '', epoch: lease.epoch };
    const survey = await sources.survey();
    if (survey === null) return { problem: 'the leader does not answer, or is still loading', leader };
    const { waiting, pausing, running, cluster } = survey;
    const { subscribed, suppressed, agents, offers } = cluster;
    const since = survey.leadsSince;
    return {
      leader: { ...leader, ...(since !== undefined && { since }) },
      ...{ waiting, pausing, running, cluster: { subscribed, suppressed, agents, offers } },
    };
  }

  async function endpoints(): Promise<StatusAnswer['endpoints']> {
    const found = await sources.endpointsAfter(null, null, mostEndpoints);
    const isOut = ({ breaker, paused, gone }: Endpoint): boolean =>
      breaker !== null || paused !== null || gone !== null;
    return {
      open: found.filter(({ breaker }) => breaker !== null).length,
      paused: found.filter(({ paused }) => paused !== null).length,
      gone: found.filter(({ gone }) => gone !== null).length,
      examples: found
        .filter(isOut)
        .slice(0, mostExamples)
        .map(({ endpoint }) => endpoint),
    };
  }

  async function processes(): Promise<NonNullable<StatusAnswer['processes']>> {
    const { count, processes: found } = await sources.findProcesses(seenWithinMs, mostProcesses);
    return {
      count,
      processes: found.map(({ service, host, version, node, since, seenAt }) => ({
        ...{ service, host, version, node },
        ...{ since: since.toISOString(), seenAt: seenAt.toISOString() },
      })),
    };
  }

  return async () => {
    const [ofProcesses, ofScheduler, queues, callbacks, ofEndpoints, switches] = await Promise.all([
      part(processes),
      part(scheduler),
      part(async () => ({ queues: (await sources.countMessages()).map((each) => ({ ...each })) })),
      part(async () => ({ ...(await sources.overviewLanes(1)).lanes })),
      part(endpoints),
      part(async () => ({ on: (await sources.switches()).switches.filter(({ on }) => on) })),
    ]);
    const { host, sinceMs, node } = self;
    return {
      asOf: new Date(deps.now()).toISOString(),
      api: { host, since: new Date(sinceMs).toISOString(), version: productVersion, node },
      processes: ofProcesses,
      scheduler: ofScheduler,
      queues,
      callbacks,
      endpoints: ofEndpoints,
      switches,
    };
  };
}
