import type { Response } from 'express';
import { DependencyFailure, ErrorCode, writeExactJson, type FailureAnswer } from '@juice/contracts';
import { commonHeaders } from './common-headers.ts';
import { describeRefusal, refuse, storeFailed, type Refusal, type RefusalReason } from './refusal.ts';
import { factsOf } from './request-facts.ts';
import { shortenValue } from './shorten-value.ts';

/** The one place where HTTP statuses are. 400 and 500 are the original's; the others say what it has no word for. */
const httpStatus: Readonly<Record<RefusalReason, number>> = {
  invalid: 400,
  'no-record': 400,
  unauthenticated: 401,
  forbidden: 403,
  'no-route': 404,
  'not-found': 404,
  'wrong-method': 405,
  conflict: 409,
  gone: 410,
  'precondition-failed': 412,
  'too-large': 413,
  'wrong-media-type': 415,
  'precondition-required': 428,
  'too-many': 429,
  overloaded: 503,
  stopped: 503,
  unavailable: 503,
  internal: 500,
};

/** After this long a store or broker that was away may be back, what was full has moved on, and what was stopped may go on. */
const retryAfterSeconds: Partial<Record<RefusalReason, number>> = {
  ...{ 'too-many': 1, overloaded: 1, stopped: 120, unavailable: 5 },
};

export function httpStatusOf(reason: RefusalReason): number {
  return httpStatus[reason];
}

export const jsonType = 'application/json; charset=utf-8';

/** 200 with the data in the original's envelope. */
export function answerData(response: Response, data: unknown): void {
  send(response, 200, writeExactJson({ status: 0, message: 'OK', data }));
}

/** Says that this answer was given before, to the same request. */
export function markReplay(response: Response): void {
  response.setHeader('idempotency-replayed', 'true');
}

/** The envelope of a failure, with the HTTP status of its reason. */
export function answerRefusal(response: Response, refusal: Refusal): void {
  const retryAfter = refusal.retryAfterSeconds ?? retryAfterSeconds[refusal.reason];
  if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
  if (refusal.reason === 'unauthenticated') response.setHeader('www-authenticate', 'Bearer');
  if (refusal.allow !== undefined) response.setHeader('allow', refusal.allow.join(', '));
  const seen = factsOf(response);
  seen.errorCode = ErrorCode[refusal.problems[0].code];
  send(response, httpStatus[refusal.reason], writeFailure(refusal, seen.requestId));
}

/** What was thrown instead of answered: our dependencies', the body reader's, or a bug, whose detail only the log has. */
export function answerError(response: Response, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const refusal = refusalOf(error);
  if (refusal.reason === 'internal' || refusal.reason === 'unavailable') factsOf(response).error = error;
  answerRefusal(response, refusal);
}

/** The text of a failure's envelope. */
export function writeFailure(refusal: Refusal, requestId: string): string {
  const body: FailureAnswer = { ...describeRefusal(refusal), requestId };
  return writeExactJson(body);
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof DependencyFailure) return refuse('unavailable', storeFailed);
  const { type, status, limit, encoding, code } = readErrorFacts(error);
  const problem = { member: 'body', code: 'BAD_REQUEST' } as const;
  if (type === 'entity.too.large') return tooLarge(limit);
  if (type === 'encoding.unsupported') {
    const value = shortenValue(encoding);
    const message = `header Content-Encoding must be gzip, deflate, br or identity, not ${value}`;
    return refuse('wrong-media-type', { ...problem, member: 'Content-Encoding', message, value });
  }
  // Of zlib; those of its Brotli begin with ERR_.
  if (typeof code === 'string' && /^(Z_|ERR_)/.test(code) && status === 400) {
    return refuse('invalid', { ...problem, message: 'the body must be compressed as header Content-Encoding says' });
  }
  if (error instanceof URIError) {
    const message = 'the path must be percent-encoded UTF-8';
    return refuse('invalid', { ...problem, member: 'path', message });
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return refuse('invalid', { ...problem, member: 'request', message: 'the request cannot be read' });
  }
  return refuse('internal', { member: 'request', code: 'INTERNAL', message: 'see the log for this requestId' });
}

export function tooLarge(limit: unknown): Refusal {
  const message = `the body must be at most ${String(limit)} bytes`;
  return refuse('too-large', { member: 'body', code: 'BAD_REQUEST', message });
}

/** What Express and its body reader put on their errors. */
function readErrorFacts(error: unknown): Partial<Record<'type' | 'status' | 'limit' | 'encoding' | 'code', unknown>> {
  return typeof error === 'object' && error !== null ? error : {};
}

function send(response: Response, status: number, text: string): void {
  if (response.headersSent) return;
  const length = String(Buffer.byteLength(text));
  response.writeHead(status, [...commonHeaders(response), 'content-type', jsonType, 'content-length', length]);
  response.end(text);
}
