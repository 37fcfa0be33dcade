import type {
  CallbackExplanation,
  CallbackTestAnswer,
  DeadAnswer,
  DeadCallback,
  DeadGroupsAnswer,
  EndpointAnswer,
  EndpointsAnswer,
  ReplayAnswer,
  ReplayDryRunAnswer,
  ReplaysAnswer,
  ShownCallback,
} from '@juice/contracts';
import { createCall, type CallOptions, type ClientOptions } from './call.ts';
import type { KeyedOptions } from './tenant-client.ts';
import { wait } from './wait.ts';

/** Who asks: an operator, about everybody's callbacks; or a tenant, about its own. */
export type CallbacksOptions = ClientOptions &
  ({ readonly adminKey: string } | { readonly apiKey?: string; readonly tenantId?: string });

/** Which dead callbacks; what is given must all hold. */
export interface DeadFilter {
  /** For operators. */
  readonly tenant?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly cause?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/** Exactly one of them. */
export type ReplayChoice =
  | { readonly ids: readonly string[] }
  | { readonly group: string }
  | { readonly filter: DeadFilter | { readonly all: true } };

export interface NewReplay {
  /** Why, for those who ask later. */
  readonly reason: string;
  readonly ratePerSecond?: number | undefined;
}

export interface EndpointName {
  /** For operators, who must say whose. */
  readonly tenant?: string | undefined;
  readonly endpoint: string;
}

/** Callbacks that were not delivered. Every function throws as the tenant's client does. */
export interface CallbacksClient {
  /** Page after page as they are read. */
  dead(
    filter?: DeadFilter & { readonly group?: string | undefined; readonly pageSize?: number },
    options?: CallOptions,
  ): AsyncIterable<DeadCallback>;
  deadGroups(filter?: DeadFilter & { readonly limit?: number }, options?: CallOptions): Promise<DeadGroupsAnswer>;
  /** By its webhook-id, or the id of a task. */
  show(id: string | bigint, options?: CallOptions): Promise<ShownCallback>;
  explain(id: string | bigint, options?: CallOptions): Promise<CallbackExplanation>;
  /** How many would be sent again, and some of them. */
  countReplay(choice: ReplayChoice, options?: CallOptions): Promise<ReplayDryRunAnswer>;
  /** Sends dead callbacks again; one replay is made, however often it has to be asked for. */
  replay(choice: ReplayChoice, how: NewReplay, options?: KeyedOptions): Promise<ReplayAnswer>;
  /** The newest first, page after page as they are read. */
  replays(options?: CallOptions & { readonly pageSize?: number }): AsyncIterable<ReplayAnswer>;
  showReplay(replayId: string, options?: CallOptions): Promise<ReplayAnswer>;
  changeReplay(
    replayId: string,
    action: 'pause' | 'resume' | 'cancel',
    options?: CallOptions & { readonly reason?: string | undefined },
  ): Promise<ReplayAnswer>;
  /** How far a replay is, again and again, until it has ended, is paused, or the signal says so. */
  followReplay(replayId: string, options?: CallOptions & { readonly everyMs?: number }): AsyncIterable<ReplayAnswer>;
  endpoints(tenant?: string, options?: CallOptions): AsyncIterable<EndpointAnswer>;
  pauseEndpoint(
    name: EndpointName,
    options?: CallOptions & { readonly reason?: string | undefined },
  ): Promise<EndpointAnswer>;
  resumeEndpoint(
    name: EndpointName,
    options?: CallOptions & { readonly reason?: string | undefined },
  ): Promise<EndpointAnswer>;
  /** Has a signed event sent to a receiver; each call sends one. */
  test(
    receiver: { readonly tenant?: string | undefined; readonly url: string },
    options?: CallOptions,
  ): Promise<CallbackTestAnswer>;
}

const followEveryMs = 1_000;

export function createCallbacksClient(given: CallbacksOptions): CallbacksClient {
  const base = 'adminKey' in given ? '/v1/admin/callbacks' : '/v1/callbacks';
  const call = createCall(given, credentialsOf(given));

  async function ask<T>(path: string, asked: Omit<Parameters<typeof call>[0], 'path'>): Promise<T> {
    return (await call({ ...asked, path: `${base}${path}` })).data as T;
  }

  async function* pages<P extends { readonly nextCursor?: string | undefined }>(
    path: string,
    query: NonNullable<Parameters<typeof call>[0]['query']>,
    signal: AbortSignal | undefined,
  ): AsyncIterable<P> {
    for (let cursor: string | undefined; ;) {
      const page = await ask<P>(path, { method: 'GET', query: { ...query, cursor }, signal });
      yield page;
      cursor = page.nextCursor;
      if (cursor === undefined) return;
    }
  }

  const showReplay = (replayId: string, { signal }: CallOptions = {}): Promise<ReplayAnswer> =>
    ask(`/replays/${encodeURIComponent(replayId)}`, { method: 'GET', signal });

  return {
    async *dead({ pageSize = 100, group, ...filter } = {}, { signal } = {}) {
      const query = { ...writeFilter(filter), group, limit: pageSize };
      for await (const page of pages<DeadAnswer>('/dead', query, signal)) yield* page.dead;
    },
    deadGroups: ({ limit, ...filter } = {}, { signal } = {}) =>
      ask('/dead-groups', { method: 'GET', query: { ...writeFilter(filter), limit }, signal }),
    show: (id, { signal } = {}) => ask(pathOf(id), { method: 'GET', signal }),
    explain: (id, { signal } = {}) => ask(`${pathOf(id)}/explain`, { method: 'GET', signal }),
    countReplay: (choice, { signal } = {}) =>
      ask('/replays', { method: 'POST', body: { ...writeChoice(choice), dryRun: true }, signal }),
    replay: (choice, how, { signal, idempotencyKey = crypto.randomUUID() } = {}) => {
      const headers = { 'idempotency-key': idempotencyKey };
      return ask('/replays', { method: 'POST', body: { ...writeChoice(choice), ...how }, headers, signal });
    },
    async *replays({ pageSize = 100, signal } = {}) {
      for await (const page of pages<ReplaysAnswer>('/replays', { limit: pageSize }, signal)) yield* page.replays;
    },
    showReplay,
    changeReplay: (replayId, action, { signal, reason } = {}) => {
      const path = `/replays/${encodeURIComponent(replayId)}/${action}`;
      return ask(path, { method: 'POST', body: { reason }, signal, isRepeatable: false });
    },
    async *followReplay(replayId, { signal, everyMs = followEveryMs } = {}) {
      for (;;) {
        const replay = await showReplay(replayId, { signal });
        yield replay;
        if (replay.endedAt !== undefined || replay.state === 'paused') return;
        await wait(everyMs, signal);
      }
    },
    async *endpoints(tenant, { signal } = {}) {
      for await (const page of pages<EndpointsAnswer>('/endpoints', { tenant }, signal)) yield* page.endpoints;
    },
    pauseEndpoint: (name, { signal, reason } = {}) =>
      ask('/endpoints/pause', { method: 'POST', body: { ...name, reason }, signal }),
    resumeEndpoint: (name, { signal, reason } = {}) =>
      ask('/endpoints/resume', { method: 'POST', body: { ...name, reason }, signal }),
    test: (receiver, { signal } = {}) => ask('/test', { method: 'POST', body: receiver, signal, isRepeatable: false }),
  };
}

function credentialsOf(given: CallbacksOptions): Readonly<Record<string, string>> {
  if ('adminKey' in given) return { authorization: `Bearer ${given.adminKey}` };
  return {
    ...(given.apiKey !== undefined && { authorization: `Bearer ${given.apiKey}` }),
    ...(given.tenantId !== undefined && { 'x-tenant-id': given.tenantId }),
  };
}

function pathOf(id: string | bigint): string {
  return `/${encodeURIComponent(String(id))}`;
}

function writeFilter({ since, until, ...filter }: DeadFilter) {
  return { ...filter, since: since?.toISOString(), until: until?.toISOString() };
}

/** In JSON what is undefined is left out. */
function writeChoice(choice: ReplayChoice): object {
  if (!('filter' in choice)) return choice;
  return { filter: 'all' in choice.filter ? choice.filter : writeFilter(choice.filter) };
}
