import { ErrorCode, errorMessagePrefix, type ErrorCodeName, type ProblemDetail } from '@juice/contracts';

/** One thing that is wrong with a request. */
export interface Problem {
  /** A header, a query parameter, or a path into the body such as `container.docker.image`. */
  readonly member: string;
  readonly code: ErrorCodeName;
  /** A sentence that names the member and says what would be right. */
  readonly message: string;
  /** What was met, shortened; left out where it may be a secret. */
  readonly value?: string;
  /** The machine policy that refuses it. */
  readonly policy?: string;
}

/** Why a request is not answered with a success; answer.ts gives each its HTTP status. */
export type RefusalReason =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'no-record'
  | 'not-found'
  | 'gone'
  | 'no-route'
  | 'wrong-method'
  | 'conflict'
  | 'precondition-failed'
  | 'precondition-required'
  | 'too-large'
  | 'wrong-media-type'
  | 'too-many'
  | 'overloaded'
  | 'stopped'
  | 'unavailable'
  | 'internal';

/** A refused request, as a value: the first problem gives the answer its code. Never empty. */
export interface Refusal {
  readonly ok: false;
  readonly reason: RefusalReason;
  readonly problems: readonly [Problem, ...Problem[]];
  /** Methods that the route has, for a 405. */
  readonly allow?: readonly string[];
  /** When to try again, where more is known than the reason tells. */
  readonly retryAfterSeconds?: number;
}

export function refuse(reason: RefusalReason, first: Problem, ...more: readonly Problem[]): Refusal {
  return { ok: false, reason, problems: [first, ...more] };
}

/** For what would go on for long. */
export function refuseWhileStopping(): Refusal {
  const message = 'the service is stopping: come again, to another process';
  return refuse('unavailable', { member: 'request', code: 'DATA_ACCESS', message });
}

/** What is said of a write whose outcome is not known. */
export const storeFailed: Problem = {
  member: 'request',
  code: 'DATA_ACCESS',
  message: 'the database did not answer; what was asked for may or may not be stored, try again',
};

/** A refusal as a failure's envelope, or a failed item of an answer, tells it. */
export function describeRefusal({ problems }: Pick<Refusal, 'problems'>) {
  const [first, ...more] = problems;
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return {
    status: ErrorCode[first.code],
    message: `${errorMessagePrefix[first.code]}: ${first.message}${rest}`,
    details: problems.map(toDetail),
  };
}

function toDetail({ member, code, message, value, policy }: Problem): ProblemDetail {
  return {
    member,
    code: ErrorCode[code],
    message,
    ...(value !== undefined && { value }),
    ...(policy !== undefined && { policy }),
  };
}
