/** What the workers know together about an endpoint. Instants are in ms. */
export interface EndpointState {
  /** null: closed. */
  readonly breaker: OpenBreaker | null;
  /** Who tries, while the breaker is open, whether the endpoint is well again: one at a time, for so long. */
  readonly probe: { readonly token: string; readonly untilMs: number } | null;
  /** How often in a row the breaker has opened. */
  readonly openings: number;
  /** Since when traffic grows again after a time without; null: it never was without. */
  readonly rampFromMs: number | null;
  /** The endpoint has asked not to be called before then. */
  readonly waitUntilMs: number | null;
  /** It has said that it is gone for good. */
  readonly gone: { readonly atMs: number; readonly reason: string } | null;
}

export interface OpenBreaker {
  readonly openedAtMs: number;
  readonly untilMs: number;
  /** What the last failure was, in a word of a small set. */
  readonly reason: string;
  /** What the worker that opened it had seen, for people. */
  readonly seen: { readonly consecutive: number; readonly failed: number; readonly attempts: number };
}

export interface Endpoint extends EndpointState {
  /** `<tenant> <origin>` */
  readonly endpoint: string;
  /** New with every change: what a change is guarded by. null: there is no document, nothing is out of the ordinary. */
  readonly stamp: string | null;
  readonly paused: EndpointPause | null;
  readonly changedAtMs: number;
}

export interface EndpointPause {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string | null;
  /** An operator has paused it: its tenant does not end that. */
  readonly isOperators: boolean;
}

export const plainEndpointState: EndpointState = {
  breaker: null,
  probe: null,
  openings: 0,
  rampFromMs: null,
  waitUntilMs: null,
  gone: null,
};

/** An endpoint without a document. */
export function unknownEndpoint(endpoint: string): Endpoint {
  return { endpoint, stamp: null, paused: null, changedAtMs: 0, ...plainEndpointState };
}
