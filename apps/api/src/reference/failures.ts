import { httpStatusOf } from '../answer.ts';
import { describeRefusal, type Problem, type RefusalReason } from '../refusal.ts';
import type { AnyAnswerHeader } from './parameters.ts';

/** What is said of a refusal: when, with which headers beside the usual, and by an example. */
interface Failure {
  readonly says: string;
  readonly headers?: readonly AnyAnswerHeader[];
  readonly problem: Problem;
}

const request = { member: 'request' } as const;

const failures: Readonly<Record<RefusalReason, Failure>> = {
  invalid: {
    says: 'The request is wrong; `details` names every member that is, and what would be right.',
    problem: {
      ...{ member: 'resources.cpu', code: 'OBJECT_NOT_EQUAL', value: '"two"' },
      message: 'resources.cpu must be a positive finite number of CPUs, not "two"',
    },
  },
  'no-record': {
    says: 'The tenant has no such task.',
    problem: {
      ...{ member: 'taskId', code: 'NO_RECORD', value: '1' },
      message: 'taskId must be that of a task of this tenant: there is none with 1',
    },
  },
  unauthenticated: {
    says: 'A key is needed, and none that works was shown.',
    headers: ['WWW-Authenticate'],
    problem: {
      ...{ member: 'Authorization', code: 'NO_PERMISSION' },
      message: 'header Authorization must carry an API key that is known here',
    },
  },
  forbidden: {
    says: 'The key is not for this, or the tenant may not do it.',
    problem: {
      ...{ member: 'tenant', code: 'NO_PERMISSION' },
      message: 'the tenant is suspended: its tasks go on, and new ones are refused until an operator lifts it',
    },
  },
  'no-route': {
    says: 'There is no such path.',
    problem: {
      ...{ member: 'path', code: 'BAD_REQUEST' },
      message: 'the path must be one of this API, not "/v1/task"',
    },
  },
  'not-found': {
    says: 'There is none of that name; what is another tenant’s is answered in the same way.',
    problem: {
      ...{ member: 'taskId', code: 'NO_RECORD', value: '1' },
      message: 'taskId in the path must be that of a task of this tenant: there is none with 1',
    },
  },
  gone: {
    says: 'There was one, and is no more.',
    problem: {
      ...{ member: 'stream', code: 'NO_RECORD' },
      message:
        'the stdout of attempt 1 is no more on node-1: an agent removes what tasks have left behind after some days',
    },
  },
  'wrong-method': {
    says: 'The path does not have the method.',
    headers: ['Allow'],
    problem: {
      ...{ member: 'method', code: 'BAD_REQUEST' },
      message: 'the method must be one of GET, HEAD, POST, not DELETE',
    },
  },
  conflict: {
    says: 'What is there already stands against it.',
    problem: {
      ...{ member: 'Idempotency-Key', code: 'BAD_REQUEST' },
      message:
        'header Idempotency-Key must be a new one for another request: this one was used with another body or route',
    },
  },
  'precondition-failed': {
    says: 'The settings have been changed since they were looked at.',
    problem: {
      ...{ member: 'If-Match', code: 'OBJECT_NOT_EQUAL', value: '"2"' },
      message: 'header If-Match must be "3", the ETag of the tenant as it is now, not "2"',
    },
  },
  'precondition-required': {
    says: 'There are settings already: `If-Match` says which ones are to be changed.',
    problem: {
      ...{ member: 'If-Match', code: 'OBJECT_NOT_NULL' },
      message: 'header If-Match must be given, since the tenant is configured already',
    },
  },
  'too-many': {
    says: 'The tenant asks too often, or has too many tasks waiting or streams open; nothing was stored.',
    headers: ['Retry-After'],
    problem: {
      ...{ member: 'requestsPerSecond', code: 'LIMIT_REACHED', value: '20' },
      message: 'the tenant may make 20 requests a second and 40 at once; wait as long as Retry-After says',
    },
  },
  'too-large': {
    says: 'The body is larger than the operator allows.',
    headers: ['Connection'],
    problem: { member: 'body', code: 'BAD_REQUEST', message: 'the body must be at most 1048576 bytes' },
  },
  'wrong-media-type': {
    says: 'The body is not JSON in UTF-8, or is packed in a way that is not known.',
    problem: {
      ...{ member: 'Content-Type', code: 'BAD_REQUEST', value: '"text/plain"' },
      message: 'header Content-Type must be application/json, in UTF-8, not "text/plain"',
    },
  },
  overloaded: {
    says: 'Too much waits to be stored; nothing of this was.',
    headers: ['Retry-After'],
    problem: {
      ...{ ...request, code: 'DATA_ACCESS' },
      message: 'too many submissions are waiting to be stored; nothing was stored, try again shortly',
    },
  },
  stopped: {
    says: 'An operator has stopped the intake of tasks; nothing was stored.',
    headers: ['Retry-After'],
    problem: {
      ...{ ...request, code: 'INTAKE_STOPPED' },
      message:
        'an operator has stopped the intake of tasks: the database is moved until noon; nothing was stored, try again later',
    },
  },
  unavailable: {
    says: 'Something the service needs is away. What was asked for may or may not be stored.',
    headers: ['Retry-After'],
    problem: {
      ...{ ...request, code: 'DATA_ACCESS' },
      message: 'the database did not answer; what was asked for may or may not be stored, try again',
    },
  },
  internal: {
    says: 'A fault of the service.',
    problem: { ...request, code: 'INTERNAL', message: 'see the log for this requestId' },
  },
};

/** What any request may be answered, whatever its path, in the same envelope. */
const anywhere = [
  '404, there is no such path',
  '405, the path does not have the method, and `Allow` says which it has',
  '400, the request is no HTTP/1.1',
  '408, it does not arrive in time',
  '417, its header `Expect` is something other than `100-continue`',
  '431, its headers and URL are larger than 32 KiB',
];
export const failureAnywhere: FailureGroup = {
  status: 405,
  says: `What any request may be answered: ${anywhere.join('; ')}.`,
  headers: ['Allow'],
  reasons: ['no-route', 'wrong-method'],
};

/** Refusals of one HTTP status. */
export interface FailureGroup {
  readonly status: number;
  readonly says: string;
  readonly headers: readonly AnyAnswerHeader[];
  readonly reasons: readonly RefusalReason[];
}

/** Reasons by the HTTP status that they have, in the order of those. */
export function groupFailures(reasons: readonly RefusalReason[]): readonly FailureGroup[] {
  const statuses = [...new Set(reasons.map(httpStatusOf))].sort((a, b) => a - b);
  return statuses.map((status) => {
    const own = reasons.filter((reason) => httpStatusOf(reason) === status);
    return {
      status,
      says: own.map((reason) => failures[reason].says).join(' Or: '),
      headers: [...new Set(own.flatMap((reason) => failures[reason].headers ?? []))],
      reasons: own,
    };
  });
}

/** Every reason with its example: the envelope as it is answered. */
export function failureExamples(): Readonly<Record<RefusalReason, { readonly says: string; readonly value: unknown }>> {
  const entries = Object.entries(failures).map(([reason, { says, problem }]) => {
    const value = { ...describeRefusal({ problems: [problem] }), requestId: 'order-4711-1' };
    return [reason, { says, value }] as const;
  });
  return Object.fromEntries(entries) as ReturnType<typeof failureExamples>;
}
