import type { ServerResponse } from 'node:http';
import type { Caller } from './caller.ts';

/** What is known of a request, collected for its one log line while it is answered. */
export interface RequestFacts {
  readonly requestId: string;
  readonly startedMs: number;
  /** The span that this request is, for what is done on its behalf; and its caller's, as it was sent. */
  readonly traceparent: string;
  readonly parent: string | undefined;
  /** The service is stopping: the client is asked to open its next connection elsewhere. */
  readonly isLast: boolean;
  /** The route as declared, a closed set: for metrics. */
  route: string;
  /** Once it is known; see tenantOf and callerOf. */
  caller?: Caller;
  tenantId?: string;
  /** The key that the request was made with. */
  keyId?: string;
  taskId?: bigint;
  traceId?: string;
  /** The envelope's status, when it is a failure. */
  errorCode?: number;
  error?: unknown;
  /** The answer goes on until its client leaves: that is its end, and no failure. */
  isStream?: boolean;
}

const place = Symbol('facts');

export function beginFacts(response: ServerResponse, begun: RequestFacts): void {
  (response as { [place]?: RequestFacts })[place] = begun;
}

/** The facts of the request that this response answers. */
export function factsOf(response: ServerResponse): RequestFacts {
  return (response as unknown as { readonly [place]: RequestFacts })[place];
}
