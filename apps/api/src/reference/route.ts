import type { z } from 'zod';
import type { RefusalReason } from '../refusal.ts';
import type { AnswerSchemaName, RequestSchemaName } from './schemas.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The parts of the reference, in this order. */
export const routeGroups = {
  Tasks: 'Submitting tasks, looking at them and ending them.',
  Callbacks:
    'What was not delivered and why, sending it again, and the receivers. Below /v1/admin for operators, about all tenants.',
  Tenant: 'What a tenant may know of itself, and change.',
  Administration: 'For operators, with an admin key.',
  Service: 'For machines that watch over the service, and for this reference.',
} as const;

/** Headers that some requests may have, beside those of all. */
export type RequestHeader = 'Idempotency-Key' | 'If-Match' | 'Last-Event-ID' | 'traceparent';

/** Headers that some successes have, beside those of all answers. */
export type AnswerHeader = 'ETag' | 'Idempotency-Replayed';

/** By what it shows. A request's: of a body that is taken. An answer's: of `data`, or of the whole where it is no envelope. */
export type Examples = Readonly<Record<string, unknown>>;

/** A success in the envelope: its `data` is as one of these schemas says. */
interface DataAnswer {
  readonly data: readonly [AnswerSchemaName, ...AnswerSchemaName[]];
  readonly headers?: readonly AnswerHeader[];
  readonly examples: Examples;
}

/** An answer that is in no envelope, by its status. */
interface PlainAnswer {
  readonly plain: Readonly<
    Record<number, { readonly says: string; readonly type?: string; readonly example?: unknown }>
  >;
}

/** All there is to say of a route. What follows from who may call it, and from its having a body, is not said again. */
export interface Route {
  readonly method: Method;
  /** `{name}` where something is named; see `pathParameters`. */
  readonly path: string;
  /** What clients that are generated call it. */
  readonly id: string;
  readonly group: keyof typeof routeGroups;
  /** Whose credentials open it. */
  readonly caller: 'tenant' | 'admin' | 'anybody';
  readonly summary: string;
  readonly about?: string;
  /** Objects whose members are its query parameters. */
  readonly query?: readonly z.ZodType[];
  readonly headers?: readonly RequestHeader[];
  readonly body?: { readonly schema: RequestSchemaName; readonly isOptional?: true; readonly examples: Examples };
  readonly answer: DataAnswer | PlainAnswer;
  /** Why it may be refused, beside what holds for all that are like it. */
  readonly refusals?: readonly RefusalReason[];
}

/** Every reason why a request that reaches the route may be refused. */
export function refusalsOf({ caller, body, refusals = [] }: Route): readonly RefusalReason[] {
  if (caller === 'anybody') return ['internal', ...refusals];
  const all: RefusalReason[] = ['invalid', 'unauthenticated', 'forbidden', 'unavailable', 'internal', ...refusals];
  if (caller === 'tenant') all.push('too-many');
  if (body !== undefined) all.push('too-large', 'wrong-media-type');
  return [...new Set(all)];
}

/** The names in a path, in their order. */
export function namesIn(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}
