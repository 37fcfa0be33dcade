import type { RequestListener } from 'node:http';
import { jsonType, writeFailure } from './answer.ts';
import { startHttpServer, type HttpServer } from './http-server.ts';
import { refuse } from './refusal.ts';

/**
 * Listens in the api's place while its database is not there yet: alive, not ready, and every other request is told to
 * come back. Without it an orchestrator would take waiting for MongoDB for a hang, and restart the process over it.
 */
export function startWaitingRoom(deps: {
  host: string;
  port: number;
  newRequestId: () => string;
}): Promise<HttpServer> {
  const { newRequestId } = deps;
  const message = 'the service is starting: MongoDB is not reachable yet';
  const refusal = refuse('unavailable', { member: 'request', code: 'DATA_ACCESS', message });
  const app: RequestListener = (request, response) => {
    const isAlive = /^\/livez(\?|$)/.test(request.url ?? '');
    const text = isAlive ? '{"ok":true,"status":0,"message":"OK"}\n' : writeFailure(refusal, newRequestId());
    response.writeHead(isAlive ? 200 : 503, {
      'content-type': jsonType,
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      connection: 'close',
      ...(!isAlive && { 'retry-after': '5' }),
    });
    response.end(text);
  };
  return startHttpServer({ ...deps, app });
}
