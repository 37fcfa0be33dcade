import http, { type Agent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { DependencyFailure, InvariantBroken, ProtocolViolation } from '@juice/contracts';
import { mayRetrySubscribe } from './answers.ts';
import { encodeCall, type ContentType } from './codec.ts';
import type { Draft } from './conversation.ts';
import { redirectTarget, schedulerUrl } from './master-url.ts';
import { post, readText, setTimeoutAlarm, type SetAlarm } from './post.ts';
import { createSubscription, type Subscription } from './subscription.ts';
import type { FrameworkInfo } from './wire.ts';

export interface MesosClientOptions {
  /** Base URLs (`http://host:5050`, `https://proxy/mesos`, `host:5050`), any of which leads to the leader. At least one. */
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
  /** How long a call may wait for its turn and its answer. Default 10,000. */
  readonly callTimeoutMs?: number;
  /** Calls in flight at once; more wait in order. Default 8. */
  readonly maxCallsInFlight?: number;
  /** Default 64 MB. */
  readonly maxRecordBytes?: number;
  readonly setAlarm?: SetAlarm;
}

export interface MesosClient {
  /**
   * Subscribes with the leading master and resolves when it has answered 200: read `events` at once. Tries each master in
   * turn, the one that led last time first, and follows their redirects; does not wait between them or begin again: the
   * caller does, with backoff. Several subscriptions of one framework end each other, at the master.
   *
   * Throws DependencyFailure: retryable when no master leads or answers, not retryable when one refuses (bad credentials, a
   * bad call) or `signal` aborts. Throws ProtocolViolation for an answer no master gives. Aborting later closes the stream.
   */
  subscribe(
    framework: Draft<FrameworkInfo>,
    suppressedRoles?: readonly string[],
    signal?: AbortSignal,
  ): Promise<Subscription>;
}

/** Elections take a hop or two; more is a loop between masters that take each other for the leader. */
const maxRedirects = 9;

type Attempt = { readonly subscription: Subscription } | { readonly problem: string };

export function createMesosClient(options: MesosClientOptions): MesosClient {
  const { credentials, ca, setAlarm = setTimeoutAlarm, contentType = 'application/x-protobuf' } = options;
  const { firstEventMs = 15_000, maxCallsInFlight = 8 } = options;
  if (options.masters.length === 0) throw new InvariantBroken('no Mesos master is given');
  let masters = options.masters.map(schedulerUrl);

  const baseHeaders: OutgoingHttpHeaders = { 'Content-Type': contentType, Accept: contentType };
  if (credentials !== undefined) {
    const basic = Buffer.from(`${credentials.principal}:${credentials.secret}`).toString('base64');
    baseHeaders['Authorization'] = `Basic ${basic}`;
  }

  /** One agent per subscription: the stream keeps one of its sockets to itself for good, calls share the others. */
  function createAgent(url: URL): Agent {
    const sockets = { keepAlive: true, maxSockets: maxCallsInFlight + 1 };
    if (url.protocol === 'http:') return new http.Agent(sockets);
    return new https.Agent({ ...sockets, ...(ca === undefined ? {} : { ca }) });
  }

  /** One master, and wherever it sends us. Throws only what no other master can mend. */
  async function attempt(master: URL, body: Uint8Array, signal: AbortSignal | undefined): Promise<Attempt> {
    let url = master;
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const answer = await knock(url, body, signal);
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
    signal: AbortSignal | undefined,
  ): Promise<Attempt | { redirect: string | undefined }> {
    const agent = createAgent(url);
    let isSubscribed = false;
    try {
      const request = { url, agent, headers: baseHeaders, body, signal, timeoutMs: firstEventMs, setAlarm };
      return await post(request, async (response) => {
        if (response.statusCode === 200) {
          const subscription = open(url, agent, response, signal);
          isSubscribed = true;
          return { subscription };
        }
        if (response.statusCode === 307) return { redirect: response.headers.location };
        return { problem: await refusal(response) };
      });
    } catch (error: unknown) {
      if (error instanceof DependencyFailure || error instanceof ProtocolViolation) throw error;
      if (signal?.aborted === true) throw failure('aborted', false, error);
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

  function open(url: URL, agent: Agent, response: IncomingMessage, signal: AbortSignal | undefined): Subscription {
    return createSubscription({
      url,
      agent,
      response,
      signal,
      headers: baseHeaders,
      contentType,
      setAlarm,
      firstEventMs,
      missedHeartbeats: options.missedHeartbeats ?? 5,
      callTimeoutMs: options.callTimeoutMs ?? 10_000,
      maxRecordBytes: options.maxRecordBytes,
    });
  }

  return {
    async subscribe(framework, suppressedRoles = [], signal) {
      const subscribe = { framework_info: framework, suppressed_roles: suppressedRoles };
      const id = framework.id === undefined ? {} : { framework_id: framework.id };
      const body = encodeCall({ type: 'SUBSCRIBE', ...id, subscribe }, contentType);
      const problems: string[] = [];
      for (const master of masters) {
        const outcome = await attempt(master, body, signal);
        if ('subscription' in outcome) {
          masters = [master, ...masters.filter((other) => other !== master)];
          return outcome.subscription;
        }
        problems.push(`${master.host}: ${outcome.problem}`);
      }
      throw failure(problems.join('; '), true);
    },
  };
}

function failure(detail: string, retryable: boolean, cause?: unknown): DependencyFailure {
  return new DependencyFailure({ dependency: 'mesos', operation: 'subscribe', retryable, detail, cause });
}
