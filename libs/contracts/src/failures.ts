/** A dependency (MongoDB, RabbitMQ, Mesos, …) failed. Thrown by adapters only; `retryable` says whether waiting may help. */
export class DependencyFailure extends Error {
  readonly code = 'DEPENDENCY_FAILURE';
  readonly dependency: string;
  readonly operation: string;
  readonly retryable: boolean;
  constructor(facts: { dependency: string; operation: string; retryable: boolean; detail: string; cause?: unknown }) {
    super(`${facts.dependency}: ${facts.operation}: ${facts.detail}`, { cause: facts.cause });
    this.dependency = facts.dependency;
    this.operation = facts.operation;
    this.retryable = facts.retryable;
  }
}

/** The peer broke its own protocol: end the session. */
export class ProtocolViolation extends Error {
  readonly code = 'PROTOCOL_VIOLATION';
  readonly peer: string;
  constructor(facts: { peer: string; detail: string; cause?: unknown }) {
    super(`${facts.peer}: ${facts.detail}`, { cause: facts.cause });
    this.peer = facts.peer;
  }
}

/** We broke our own invariant: a bug; the process ends. */
export class InvariantBroken extends Error {
  readonly code = 'INVARIANT_BROKEN';
}
