import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeCall, type ContentType } from '@juice/mesos';
import type { Cluster } from '../cluster/cluster.ts';
import type { Driver } from '../driver.ts';
import type { EventStreams } from './event-streams.ts';
import { answer, answerJson } from './http-answer.ts';
import { describeAgents, describeFrameworks, describeState } from './master-views.ts';
import { acceptsMediaType } from './media-type.ts';

/** A scheduler must name itself with these (HTTP Basic) where they are given. */
export interface Credentials {
  readonly principal: string;
  readonly secret: string;
}

export interface MasterHttpSetup {
  readonly cluster: Cluster;
  readonly driver: Driver;
  readonly streams: EventStreams;
  readonly newUuid: () => string;
  readonly credentials: Credentials | null;
  /** `host:port`, for answers that say where the master is. */
  readonly address: string;
}

/** No call of a scheduler comes near this; a body beyond it is refused (413) instead of filling the memory. */
const maxBodyBytes = 64 * 1024 * 1024;

/** The master's HTTP server: the scheduler API and the few views that tools ask for. */
export function createMasterListener(
  setup: MasterHttpSetup,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const view = views[path.replace(/^\/master\//, '/')];
    if (path === '/api/v1/scheduler' || path === '/master/api/v1/scheduler') takeCall(setup, request, response);
    else if (view !== undefined) view(setup, response);
    else answer(response, 404, '');
  };
}

/** A master that does not lead: it says where the leader is, before it looks at anything. */
export function createFollowerListener(leader: string): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    const isCall = path === '/api/v1/scheduler' || path === '/master/api/v1/scheduler';
    const location = isCall ? `//${leader}/master/api/v1/scheduler` : `//${leader}`;
    response.writeHead(307, { Location: location, 'Content-Length': 0 }).end();
  };
}

const views: Readonly<Record<string, (setup: MasterHttpSetup, response: ServerResponse) => void>> = {
  '/health': (_setup, response) => answer(response, 200, ''),
  '/version': (_setup, response) => answerJson(response, { version: '1.12.0' }),
  '/redirect': ({ address }, response) => {
    response.writeHead(307, { Location: `//${address}` }).end();
  },
  '/state': ({ cluster }, response) => answerJson(response, describeState(cluster.state)),
  '/slaves': ({ cluster }, response) => answerJson(response, describeAgents(cluster.state)),
  '/frameworks': ({ cluster }, response) => answerJson(response, describeFrameworks(cluster.state)),
};

/** The order of these checks is the master's: a request that is wrong in two ways gets the answer to the first. */
function takeCall(setup: MasterHttpSetup, request: IncomingMessage, response: ServerResponse): void {
  const principal = authenticate(setup.credentials, request.headers.authorization);
  if (principal === undefined) {
    response.setHeader('WWW-Authenticate', 'Basic realm="mesos-master-scheduler"');
    return answer(response, 401, '');
  }
  const unready = setup.cluster.unready();
  if (unready !== null) return answer(response, 503, unready);
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    const said = `405 Method Not Allowed. Expecting one of { 'POST' }, but received '${request.method}'.`;
    return answer(response, 405, said);
  }
  const contentType = request.headers['content-type'];
  if (contentType === undefined) return answer(response, 400, "Expecting 'Content-Type' to be present");
  if (contentType !== 'application/json' && contentType !== 'application/x-protobuf') {
    return answer(response, 415, "Expecting 'Content-Type' of application/json or application/x-protobuf");
  }
  readBody(request, response, (body) => judge(setup, { request, response, contentType, principal, body }));
}

/** Undefined: refused. Null: nobody was asked. */
function authenticate(credentials: Credentials | null, authorization: string | undefined): string | null | undefined {
  if (credentials === null) return null;
  const given = Buffer.from(/^Basic (.+)$/.exec(authorization ?? '')?.[1] ?? '', 'base64');
  const wanted = Buffer.from(`${credentials.principal}:${credentials.secret}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? credentials.principal : undefined;
}

function readBody(request: IncomingMessage, response: ServerResponse, use: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  });
  request.once('end', () => {
    if (bytes > maxBodyBytes) answer(response, 413, '');
    else use(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
  });
}

interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly contentType: ContentType;
  readonly principal: string | null;
  readonly body: Buffer;
}

function judge({ cluster, driver, streams, newUuid }: MasterHttpSetup, arrival: Arrival): void {
  const { request, response } = arrival;
  const decoded = decodeCall(arrival.body, arrival.contentType);
  if (!decoded.ok) return answer(response, 400, decoded.message);
  const { accept } = request.headers;
  const json = acceptsMediaType(accept, 'application/json');
  const acceptable = json || acceptsMediaType(accept, 'application/x-protobuf');
  const header = request.headers['mesos-stream-id'];
  const streamId = typeof header === 'string' ? header : null;
  driver.feed((nowMs) => {
    const { principal } = arrival;
    const outcome = cluster.call(
      { call: decoded.call, streamId, acceptable, principal, newStreamId: newUuid() },
      nowMs,
    );
    if (outcome.answer.kind === 'plain') {
      answer(response, outcome.answer.status, outcome.answer.body);
    } else {
      const opened = outcome.answer.streamId;
      const onEnd = (): void => driver.feed((endedMs) => cluster.streamEnded(opened, endedMs));
      const contentType = json ? 'application/json' : 'application/x-protobuf';
      streams.open({ streamId: opened, response, contentType, onEnd });
    }
    return outcome.effects;
  });
}
