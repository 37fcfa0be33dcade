import type { Response } from 'express';

/** What is known of a request, collected for its one log line while it is answered. */
export interface RequestFacts {
  readonly requestId: string;
  readonly startedMs: number;
  /** The span that this request is, for what is done on its behalf; and its caller's, as it was sent. */
  readonly traceparent: string;
  readonly parent: string | undefined;
  /** The route as declared, a closed set: for metrics. */
  route: string;
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

const place = 'facts';

export function beginFacts(response: Response, begun: RequestFacts): void {
  response.locals[place] = begun;
}

/** The facts of the request that this response answers. */
export function factsOf(response: Response): RequestFacts {
  return response.locals[place] as RequestFacts;
}
