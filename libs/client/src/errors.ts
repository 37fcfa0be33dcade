import type { ProblemDetail } from '@juice/contracts';

/** The service has refused a request, or failed at it. Tell cases apart by `status` and `code`, never by the message. */
export class JuiceError extends Error {
  /** Of HTTP. */
  readonly status: number;
  /** The envelope's: negative; 0 when what answered was not Juice. */
  readonly code: number;
  /** Each member that is wrong, and what would be right. */
  readonly details: readonly ProblemDetail[];
  /** What the service's log names the request. */
  readonly requestId: string | null;
  /** How long the service asks to be left alone. */
  readonly retryAfterMs: number | null;
  constructor(facts: {
    status: number;
    code: number;
    message: string;
    details?: readonly ProblemDetail[] | undefined;
    requestId: string | null;
    retryAfterMs: number | null;
  }) {
    super(facts.message);
    this.name = 'JuiceError';
    this.status = facts.status;
    this.code = facts.code;
    this.details = facts.details ?? [];
    this.requestId = facts.requestId;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** There was no answer, however often it was tried: what was asked for may have been done or not. */
export class JuiceUnreachableError extends Error {
  constructor(url: string, cause: unknown) {
    super(`no answer from ${url}: ${whyOf(cause)}`, { cause });
    this.name = 'JuiceUnreachableError';
  }
}

/** fetch says what happened in the cause of its error. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
