import http, { type Agent, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { DependencyFailure, ProtocolViolation } from '@juice/contracts';
import type { Report } from '@juice/runtime';
import { mayRetrySubscribe } from './answers.ts';
import { encodeCall, type ContentType } from './codec.ts';
import type { Draft } from './conversation.ts';
import { createMasterSource } from './master-source.ts';
import { redirectTarget } from './master-url.ts';
import { post, readText, setTimeoutAlarm, type SetAlarm } from './post.ts';
import { createSubscription, type Subscription } from './subscription.ts';
import type { FrameworkInfo } from './wire.ts';

export interface MesosClientOptions {
  /**
   * Base URLs (`http://host:5050`, `https://proxy/mesos`, `host:5050`), any of which leads to the leader; at least one.
   * Or, alone, where masters register in ZooKeeper: `zk://[user:password@]host[:port],…/path`.
   */
  readonly masters: readonly string[];
  /** Default protobuf. */
  readonly contentType?: ContentType;
  readonly credentials?: { readonly principal: string; readonly secret: string };
  /** PEM of the authority that signed the masters' certificates, when it is not a public one. */
  readonly ca?: string;
  /** How long a master may take to answer SUBSCRIBE, and again to send the first event. Default 15,000. */
  readonly firstEventMs?: number;
  /** Heartbeats missed in a row after which a stream is given up; any traffic counts. Default 5 (75 s with a usual master). */
  readonly missedHeartbeats?: number;
  /** How long the answer to a call may take, from when it is sent. Default 10,000. */
  readonly callTimeoutMs?: number;
  /** Calls in flight at once, beside the acknowledgements; more wait in order. Default 8 (see ADR 0016). */
  readonly maxCallsInFlight?: number;
  /**
   * Acknowledgements, and as many other calls, that wait for their turn; what comes beyond is not sent, and its answer
   * `unknown`. Default 100,000: some 100 MB of acknowledgements, one for each of as many live tasks.
   */
  readonly maxCallsWaiting?: number;
  /** Default 64 MB. */
  readonly maxRecordBytes?: number;
  /** How long to wait for a leader in ZooKeeper. Default 5,000. */
  readonly leaderMs?: number;
  /** Default 10,000; the servers have limits of their own for it. */
  readonly zookeeperSessionMs?: number;
  /** Told when ZooKeeper cannot be reached, and when it can be again. */
  readonly log?: Report;
  readonly random?: () => number;
  readonly setAlarm?: SetAlarm;
}

export interface MesosClient {
  /**
   * Subscribes with the leading master and resolves when it has answered 200: read `events` at once. Tries each master in
   * turn, the one that led last time first, and follows their redirects; does not wait between them or begin again: the
   * caller does, with backoff. With ZooKeeper it waits a little for a leader, and watches it as long as the stream lasts:
   * once another leads, `events` throws, however alive the stream looks. Several subscriptions of one framework end each other, at the master.
   *
   * Throws DependencyFailure: retryable when no master leads or answers, not retryable when one refuses (bad credentials, a
   * bad call) or `signal` aborts. Throws ProtocolViolation for an answer no master gives, and for a registration that is none.
   * Aborting later closes the stream.
   */
  subscribe(
    framework: Draft<FrameworkInfo>,
    suppressedRoles?: readonly string[],
    signal?: AbortSignal,
  ): Promise<Subscription>;
  /** Calls that wait for their turn, on all subscriptions. */
  callsWaiting(): number;
}

/** Elections take a hop or two; more is a loop between masters that take each other for the leader. */
const maxRedirects = 9;

/** What bounds one subscription. */
interface Bounds {
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
  /** Another master leads. */
  readonly replaced: AbortSignal | null;
  /** To be told when the subscription is over. */
  readonly over: AbortController;
}

type Attempt = { readonly subscription: Subscription } | { readonly problem: string };

export function createMesosClient(options: MesosClientOptions): MesosClient {
  const { credentials, ca, setAlarm = setTimeoutAlarm, contentType = 'application/x-protobuf' } = options;
  const { firstEventMs = 15_000, maxCallsInFlight = 8 } = options;
  const subscriptions = new Set<Subscription>();
  const lookUp = createMasterSource({ ...options, setAlarm });

  const baseHeaders: Record<string, string> = { 'Content-Type': contentType, Accept: contentType };
  if (credentials !== undefined) {
    const basic = Buffer.from(`${credentials.principal}:${credentials.secret}`).toString('base64');
    baseHeaders['Authorization'] = `Basic ${basic}`;
  }

  /** One agent per subscription: the stream keeps one of its sockets to itself for good, the pool of calls has the others. */
  function createAgent(url: URL): Agent {
    const sockets = { keepAlive: true, maxSockets: maxCallsInFlight + 1 };
    if (url.protocol === 'http:') return new http.Agent(sockets);
    return new https.Agent({ ...sockets, ...(ca === undefined ? {} : { ca }) });
  }

  /** One master, and wherever it sends us. Throws only what no other master can mend. */
  async function attempt(master: URL, body: Uint8Array, bounds: Bounds): Promise<Attempt> {
    let url = master;
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const answer = await knock(url, body, bounds);
      if (!('redirect' in answer)) return answer;
      const target = redirectTarget(url, answer.redirect);
      if (target === undefined) return { problem: `redirected to ${answer.redirect ?? 'nowhere'}` };
      url = target;
    }
    return { problem: `redirected more than ${maxRedirects} times` };
  }

  async function knock(
    url: URL,
    body: Uint8Array,
    bounds: Bounds,
  ): Promise<Attempt | { redirect: string | undefined }> {
    const agent = createAgent(url);
    const signal = eitherOf(bounds.signal, bounds.replaced);
    let isSubscribed = false;
    try {
      const request = { url, agent, headers: baseHeaders, body, signal, timeoutMs: firstEventMs, setAlarm };
      return await post(request, async (response) => {
        if (response.statusCode === 200) {
          const subscription = open(url, agent, response, bounds);
          isSubscribed = true;
          return { subscription };
        }
        if (response.statusCode === 307) return { redirect: response.headers.location };
        return { problem: await refusal(response) };
      });
    } catch (error: unknown) {
      if (error instanceof DependencyFailure || error instanceof ProtocolViolation) throw error;
      if (bounds.signal?.aborted === true) throw failure('aborted', false, error);
      if (bounds.replaced?.aborted === true) throw bounds.replaced.reason;
      return { problem: error instanceof Error ? error.message : String(error) };
    } finally {
      if (!isSubscribed) agent.destroy();
    }
  }

  async function refusal(response: IncomingMessage): Promise<string> {
    const status = response.statusCode ?? 0;
    const detail = `answered ${status} ${await readText(response)}`.trim();
    if (!mayRetrySubscribe(status)) throw failure(detail, false);
    return detail;
  }

  function open(url: URL, agent: Agent, response: IncomingMessage, bounds: Bounds): Subscription {
    const subscription = createSubscription({
      url,
      agent,
      response,
      signal: bounds.signal,
      replaced: bounds.replaced,
      headers: baseHeaders,
      ca,
      contentType,
      setAlarm,
      firstEventMs,
      missedHeartbeats: options.missedHeartbeats ?? 5,
      callTimeoutMs: options.callTimeoutMs ?? 10_000,
      maxCallsInFlight,
      maxCallsWaiting: options.maxCallsWaiting ?? 100_000,
      maxRecordBytes: options.maxRecordBytes,
    });
    subscriptions.add(subscription);
    response.once('close', () => {
      subscriptions.delete(subscription);
      bounds.over.abort();
    });
    return subscription;
  }

  return {
    async subscribe(framework, suppressedRoles = [], signal) {
      const subscribe = { framework_info: framework, suppressed_roles: suppressedRoles };
      const id = framework.id === undefined ? {} : { framework_id: framework.id };
      const body = encodeCall({ type: 'SUBSCRIBE', ...id, subscribe }, contentType);
      const over = new AbortController();
      try {
        return await subscribeAnywhere(body, signal, over);
      } catch (error: unknown) {
        over.abort();
        throw error;
      }
    },
    callsWaiting: () => [...subscriptions].reduce((sum, subscription) => sum + subscription.callsWaiting(), 0),
  };

  async function subscribeAnywhere(
    body: Uint8Array,
    signal: AbortSignal | undefined,
    over: AbortController,
  ): Promise<Subscription> {
    const { masters, replaced, joined } = await lookUp(eitherOf(over.signal, signal) ?? over.signal);
    const problems: string[] = [];
    for (const master of masters) {
      const outcome = await attempt(master, body, { signal, replaced, over });
      if ('subscription' in outcome) {
        joined(master);
        return outcome.subscription;
      }
      problems.push(`${master.host}: ${outcome.problem}`);
    }
    throw failure(problems.join('; '), true);
  }
}

function eitherOf(...signals: readonly (AbortSignal | null | undefined)[]): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== null && signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}

function failure(detail: string, retryable: boolean, cause?: unknown): DependencyFailure {
  return new DependencyFailure({ dependency: 'mesos', operation: 'subscribe', retryable, detail, cause });
}
