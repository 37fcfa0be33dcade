import { tenantIdPattern, tenantIdRight } from '@juice/contracts';
import type { z } from 'zod';
import type { Expected } from './change-tenant.ts';
import { describeProblems } from './describe-problems.ts';
import { checkMediaType, readJson, type Read } from './read-request.ts';
import { refuse } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/** A request with its body's bytes. */
interface WithBody {
  readonly body?: unknown;
  get(header: string): string | undefined;
}

/** A body's bytes as a schema reads them, every problem at once. */
export function readBodyAs<S extends z.ZodType>(schema: S, request: WithBody): Read<z.output<S>> {
  const media = checkMediaType(request.get('content-type'));
  if (media !== null) return media;
  const body = readJson(request.body);
  return body.ok ? readAs(schema, body.value) : body;
}

/** The same for a body that may be left out: then it says nothing. */
export function readOptionalBodyAs<S extends z.ZodType>(schema: S, request: WithBody): Read<z.output<S>> {
  const isEmpty = !Buffer.isBuffer(request.body) || request.body.length === 0;
  return isEmpty ? readAs(schema, {}) : readBodyAs(schema, request);
}

/** Query parameters as a schema reads them. */
export function readQueryAs<S extends z.ZodType>(schema: S, query: object): Read<z.output<S>> {
  return readAs(schema, { ...query });
}

function readAs<S extends z.ZodType>(schema: S, given: unknown): Read<z.output<S>> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [first, ...more] = describeProblems(parsed.error.issues, given);
  if (first === undefined) throw parsed.error;
  return refuse('invalid', first, ...more);
}

/** The tenant that a path names. */
export function readTenantOfPath(parameter: unknown): Read<string> {
  if (typeof parameter === 'string' && tenantIdPattern.test(parameter)) return { ok: true, value: parameter };
  const value = shortenValue(parameter);
  const message = `tenantId in the path must be ${tenantIdRight}, not ${value}`;
  return refuse('invalid', { member: 'tenantId', code: 'OBJECT_NOT_EQUAL', message, value });
}

/** If-Match: a version as ETag gives it (a proxy may have marked it as weak), or `*`. */
export function readIfMatch(header: string | undefined): Read<Expected> {
  const given = header?.trim() ?? '';
  if (given === '') return { ok: true, value: 'first' };
  if (given === '*') return { ok: true, value: 'any' };
  const version = /^(?:W\/)?"(\d{1,15})"$/.exec(given)?.[1];
  if (version !== undefined) return { ok: true, value: Number(version) };
  const member = 'If-Match';
  const value = shortenValue(given);
  const message = `header ${member} must be an ETag as it was answered, such as "3", or *, not ${value}`;
  return refuse('invalid', { member, code: 'OBJECT_NOT_EQUAL', message, value });
}
