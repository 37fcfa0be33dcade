import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import http from 'node:http';
import https from 'node:https';
import { isAddressAllowed, type AllowList } from '@juice/destinations';

/** A connection that was not made because its address is forbidden. */
export class ForbiddenTarget extends Error {
  readonly code = 'FORBIDDEN_TARGET';
}

/** The system's resolver, all addresses of a name; rejects with Node's DNS error codes (ENOTFOUND, EAI_AGAIN, …). */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export interface GuardedAgents {
  readonly http: http.Agent;
  readonly https: https.Agent;
  close(): void;
}

/**
 * Agents that dial only what they have checked. A name is resolved once and refused when *any* of its addresses is
 * forbidden; the socket gets exactly the answers that were judged, so that a second answer (DNS rebinding) is never
 * asked for. Literals never reach a lookup and are judged here too, and so is the peer of every socket, once it is
 * connected. TLS still verifies the certificate against the name. Kept-alive sockets were guarded when they were made.
 */
export function createGuardedAgents(deps: { allow: AllowList; resolve?: Resolve; idleMs?: number }): GuardedAgents {
  const { allow, resolve = shared(resolveBySystem), idleMs = keptIdleMs } = deps;
  // `timeout` ends sockets that lie idle; those in use are timed by the sender.
  const options = { keepAlive: true, maxFreeSockets: 256, timeout: idleMs, scheduling: 'lifo' } as const;
  const agents = { http: new http.Agent(options), https: new https.Agent(options) };
  guard(agents.http, allow, resolve);
  guard(agents.https, allow, resolve);
  return {
    ...agents,
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** Below the five seconds after which many servers close an idle connection, just as we would send on it. */
const keptIdleMs = 4_000;

type DialOptions = http.ClientRequestArgs & { lookup?: LookupFunction };
type Dialled = (error: Error | null, socket?: Socket) => void;

/** The part of an agent that connects; Node documents overriding it, the types know it only in part. */
interface Dialler {
  createConnection(options: DialOptions, dialled?: Dialled): Socket | undefined;
}

function guard(agent: http.Agent, allow: AllowList, resolve: Resolve): void {
  const dialler = agent as unknown as Dialler;
  const dial = dialler.createConnection.bind(agent);
  dialler.createConnection = (options, dialled) => {
    const host = (options.host ?? options.hostname ?? '').replace(/^\[|\]$/g, '');
    const isTrusted = allow.allowsHost(host);
    const isAllowed = (address: string): boolean => isTrusted || isAddressAllowed(address, allow);
    if (isIP(host) !== 0 && !isAllowed(host)) {
      process.nextTick(() => dialled?.(new ForbiddenTarget('the address is not public')));
      return undefined;
    }
    const socket = dial({ ...options, lookup: guardedLookup(resolve, isAllowed) }, dialled);
    socket?.once('connect', () => {
      const peer = socket.remoteAddress;
      if (peer !== undefined && !isAllowed(peer)) socket.destroy(new ForbiddenTarget('the peer is not public'));
    });
    return socket;
  };
}

function guardedLookup(resolve: Resolve, isAllowed: (address: string) => boolean): LookupFunction {
  return (host, options, done) => {
    resolve(host).then(
      (found) => {
        const [first] = found;
        if (first === undefined || found.some(({ address }) => !isAllowed(address))) {
          done(new ForbiddenTarget('the name has an address that is not public'), '', 0);
        } else if (options.all === true) done(null, [...found]);
        else done(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => done(error, '', 0),
    );
  };
}

function resolveBySystem(host: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true }, (error, found) => (error === null ? resolve(found) : reject(error)));
  });
}

/**
 * Requests for a name that is just being resolved share the answer: the system's resolver has four threads for the
 * whole process, and one slow name must not take them all.
 */
function shared(resolve: Resolve): Resolve {
  const underWay = new Map<string, Promise<readonly LookupAddress[]>>();
  return (host) => {
    const known = underWay.get(host);
    if (known !== undefined) return known;
    const answer = resolve(host).finally(() => underWay.delete(host));
    underWay.set(host, answer);
    return answer;
  };
}
