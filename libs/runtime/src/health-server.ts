import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostInUrl } from '@juice/contracts';
import { CannotListen, type ListenVariables } from './cannot-listen.ts';

/** How a service is. Whatever else is in it is shown: `checks`, `role`, `degraded`, … (never secrets). */
export interface Health {
  readonly ok: boolean;
  readonly [detail: string]: unknown;
}

export interface HealthChecks {
  /** Does the process turn? */
  livez(): Health | Promise<Health>;
  /** Are its dependencies there, so that it can do its work? */
  readyz(): Health | Promise<Health>;
  metrics?: { readonly contentType: string; text(): Promise<string> };
}

export interface HealthAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface HealthServer {
  readonly url: string;
  readonly port: number;
  /** Stops listening and ends open connections. */
  close(): Promise<void>;
}

/** Under the timeouts of the usual probes, so that a check that hangs is answered rather than dropped. */
const checkDeadlineMs = 4_000;
/** Probes and scrapers are few; anything beyond is not one of them. */
const maxConnections = 64;

export interface HealthServerDeps extends HealthChecks {
  readonly host: string;
  readonly port: number;
  /** Where host and port were configured. */
  readonly variables?: ListenVariables;
  /** Answers what is none of the health paths; null: there is no such path. */
  answerOther?(request: { readonly path: string; readonly authorization: string | undefined }): HealthAnswer | null;
}

/**
 * Serves `/livez`, `/readyz` and `/metrics` on a port of their own. 200 when ok, 503 when not or when a check hangs.
 * Throws CannotListen.
 */
export async function startHealthServer(deps: HealthServerDeps): Promise<HealthServer> {
  const server = createServer((request, response) => void serve(deps, request, response));
  server.maxConnections = maxConnections;
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new CannotListen(deps, error, deps.variables)));
    server.listen(deps.port, deps.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${hostInUrl(deps.host)}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The answer to a health path, for a service that serves them beside its own routes; null for any other path. */
export async function answerHealth(path: string, checks: HealthChecks): Promise<HealthAnswer | null> {
  if (path === '/livez') return answerCheck(() => checks.livez());
  if (path === '/readyz') return answerCheck(() => checks.readyz());
  if (path !== '/metrics' || checks.metrics === undefined) return null;
  return { status: 200, contentType: checks.metrics.contentType, body: await checks.metrics.text() };
}

async function serve(deps: HealthServerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const { status, contentType, body } = await answer(deps, request);
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answer(deps: HealthServerDeps, { method, url = '/', headers }: IncomingMessage): Promise<HealthAnswer> {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { ok: false, detail: 'only GET and HEAD' });
  try {
    const path = url.replace(/\?.*$/s, '');
    const found = await answerHealth(path, deps);
    const { authorization } = headers;
    return (
      found ??
      deps.answerOther?.({ path, authorization }) ??
      json(404, { ok: false, detail: 'no such path: there are /livez, /readyz and /metrics' })
    );
  } catch {
    // The metrics could not be written. What failed is the service's to log; a scraper needs to know only that it has none.
    return json(500, { ok: false, detail: 'unexpected' });
  }
}

async function answerCheck(check: () => Health | Promise<Health>): Promise<HealthAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<Health>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: 'the check hangs' }), checkDeadlineMs);
  });
  try {
    const health = await Promise.race([check(), deadline]);
    return json(health.ok ? 200 : 503, health);
  } catch (error: unknown) {
    // A check that throws is a check that fails: say so, in the words of its code.
    const detail = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected';
    return json(503, { ok: false, detail });
  } finally {
    clearTimeout(timer);
  }
}

function json(status: number, body: Health): HealthAnswer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` };
}
