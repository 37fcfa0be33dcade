import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { MesosClientOptions } from './client.ts';
import { createMasterSource } from './master-source.ts';
import { redirectTarget } from './master-url.ts';
import { readText, setTimeoutAlarm } from './post.ts';

/** What one master says of itself. */
export interface MasterFacts {
  /** `http://host:port`. */
  readonly url: string;
  readonly role:
    | { readonly kind: 'leads' }
    /** To whom it leads. */
    | { readonly kind: 'follows'; readonly leader: string | null }
    /** It knows no leader, or is one that is not ready yet. */
    | { readonly kind: 'unready'; readonly detail: string }
    /** The credentials, or that there are none. */
    | { readonly kind: 'refuses'; readonly status: number }
    /** Not reached, or no master. */
    | { readonly kind: 'fails'; readonly detail: string };
  /** `1.11.0`; null when it does not say. */
  readonly version: string | null;
  /** By how much its clock is ahead of ours (negative: behind), and how far off that may be. */
  readonly clock: { readonly aheadMs: number; readonly doubtMs: number } | null;
}

export interface ExamineOptions extends Pick<MesosClientOptions, 'masters' | 'credentials' | 'ca' | 'leaderMs'> {
  /** Ends whatever is being asked: what is not answered by then fails. */
  readonly signal: AbortSignal;
  readonly nowMs?: () => number;
}

/**
 * Asks every master, or the one that leads according to ZooKeeper, and the leader too when it is none of them. Subscribes
 * nothing and changes nothing. Throws DependencyFailure when ZooKeeper tells of no leader.
 */
export async function examineMasters(options: ExamineOptions): Promise<readonly MasterFacts[]> {
  const over = new AbortController();
  const stop = (): void => over.abort();
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    const lookUp = createMasterSource({ ...options, setAlarm: setTimeoutAlarm });
    const { masters } = await lookUp(over.signal);
    const asked = await Promise.all(masters.map((master) => examine(master, options)));
    const leaders = asked.some(({ facts }) => facts.role.kind === 'leads') ? [] : newLeaders(asked, masters);
    const led = await Promise.all(leaders.map((leader) => examine(leader, options)));
    return [...asked, ...led].map(({ facts }) => facts);
  } finally {
    options.signal.removeEventListener('abort', stop);
    over.abort();
  }
}

interface Asked {
  readonly facts: MasterFacts;
  readonly leader: URL | null;
}

/** Those that are led to and have not been asked, each once. */
function newLeaders(asked: readonly Asked[], masters: readonly URL[]): readonly URL[] {
  const known = new Set(masters.map(({ host }) => host));
  const leaders = asked.flatMap(({ leader }) => (leader === null ? [] : [leader]));
  return leaders.filter(({ host }) => !known.has(host) && known.add(host));
}

/**
 * GET is no call of the scheduler API, and the order in which a master looks at a request tells all that matters: the
 * credentials (401, 403), whether it leads (307 where to, 503 when nobody does), and only then the method (405).
 */
async function examine(master: URL, options: ExamineOptions): Promise<Asked> {
  const { nowMs = Date.now } = options;
  const shown = master.origin;
  try {
    const askedMs = nowMs();
    const answer = await get(master, options);
    const clock = clockOf(answer.headers.date, askedMs, nowMs());
    const { role, leader } = roleOf(master, answer);
    return { facts: { url: shown, role, version: await versionOf(master, options), clock }, leader };
  } catch (error: unknown) {
    const detail = error instanceof Error ? error.message : String(error);
    return { facts: { url: shown, role: { kind: 'fails', detail }, version: null, clock: null }, leader: null };
  }
}

type Answer = Pick<IncomingMessage, 'headers'> & { readonly status: number; readonly body: string };

function roleOf(master: URL, { status, headers, body }: Answer): { role: MasterFacts['role']; leader: URL | null } {
  if (status === 405) return { role: { kind: 'leads' }, leader: null };
  if (status === 307) {
    const leader = redirectTarget(master, headers.location) ?? null;
    return { role: { kind: 'follows', leader: leader?.origin ?? null }, leader };
  }
  if (status === 401 || status === 403) return { role: { kind: 'refuses', status }, leader: null };
  if (status === 503) return { role: { kind: 'unready', detail: body.slice(0, 200) }, leader: null };
  const detail = `answers ${status}, which no Mesos master does`;
  return { role: { kind: 'fails', detail }, leader: null };
}

/** HTTP tells whole seconds, cut off: the instant is half a second later, give or take that. */
function clockOf(date: string | undefined, askedMs: number, answeredMs: number): MasterFacts['clock'] {
  const saidMs = Date.parse(date ?? '');
  if (Number.isNaN(saidMs)) return null;
  const doubtMs = 500 + (answeredMs - askedMs) / 2;
  return { aheadMs: saidMs + 500 - (askedMs + answeredMs) / 2, doubtMs };
}

/** What it says of itself; null where it does not. At the root of the host, or of the proxy's path: not below `/master`, where a redirect leads to. */
async function versionOf(master: URL, options: ExamineOptions): Promise<string | null> {
  const url = new URL(master);
  url.pathname = url.pathname.replace(/(\/master)?\/api\/v1\/scheduler$/, '/version');
  try {
    const { status, body } = await get(url, options);
    if (status !== 200) return null;
    const { version } = JSON.parse(body) as { version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}

async function get(url: URL, { credentials, ca, signal }: ExamineOptions): Promise<Answer> {
  const basic = credentials === undefined ? null : `${credentials.principal}:${credentials.secret}`;
  const headers = basic === null ? {} : { Authorization: `Basic ${Buffer.from(basic).toString('base64')}` };
  const outgoing = (url.protocol === 'https:' ? https : http).get(url, {
    // No pool: nothing stays open behind it.
    agent: false,
    headers,
    signal,
    ...(ca === undefined ? {} : { ca }),
  });
  // What goes wrong before the head is seen by `once`, afterwards by who reads the body.
  outgoing.on('error', () => undefined);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const { statusCode = 0, headers: answered } = response;
  return { status: statusCode, headers: answered, body: await readText(response) };
}
