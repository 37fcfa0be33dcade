import { createHash } from 'node:crypto';
import { writeExactJson, type TaskId } from '@juice/contracts';
import type { Request } from 'express';
import type { Read } from './read-request.ts';
import { refuse, type Refusal } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/** A request that its client may repeat, and that is carried out once. */
export interface KeyedRequest {
  /** `<tenant>/<Idempotency-Key>`: there is no slash in a tenant's id, so no two of them are the same. Operators' begin with the slash. */
  readonly key: string;
  /** Of the route and the body. */
  readonly hash: string;
}

/** For so long a request that comes again is answered as the first time. */
export const keyKeptMs = 24 * 3600 * 1000;

const header = 'Idempotency-Key';
const right = '1 to 255 printable characters of ASCII';

/** The key a client gives; null when it gives none. */
export function readKeyOf(request: Pick<Request, 'headers' | 'headersDistinct'>): Read<string | null> {
  const name = 'idempotency-key';
  // Taking the headers apart costs more than parsing a body; few requests have this one.
  const given = name in request.headers ? request.headersDistinct[name] : undefined;
  const [key, ...more] = given ?? [];
  if (key === undefined) return { ok: true, value: null };
  if (more.length > 0) return wrongKey(`header ${header} must be given once, not ${given?.length} times`);
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return { ok: true, value: key };
  const value = shortenValue(key);
  return wrongKey(`header ${header} must be ${right}, not ${value}`, value);
}

function wrongKey(message: string, value?: string): Refusal {
  return refuse('invalid', { member: header, code: 'BAD_REQUEST', message, ...(value !== undefined && { value }) });
}

/**
 * What tells a request from another one. The body as parsed, its members in order: a client that writes it anew for each
 * try (another order of members, other blanks, packed or not) sends the same request.
 */
export function keyedRequest(key: string, of: { tenantId: string; route: string; body: unknown }): KeyedRequest {
  const text = writeExactJson([of.route, sorted(of.body)]);
  return { key: `${of.tenantId}/${key}`, hash: createHash('sha256').update(text).digest('base64url') };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The key of a further task of a batch: by the batch's first task, which has the request's own key. So whatever is done to
 * store a batch, and however often, each of its items is stored once.
 */
export function itemKey(first: TaskId, index: number): string {
  return `#${first}.${index}`;
}

/** It goes when its batch's first task gives up the request's key, and is never given up by itself. */
export function isItemKey(key: string): boolean {
  return key.startsWith('#');
}

export function keyConflict(): Refusal {
  const message = `header ${header} must be a new one for another request: this one was used with another body or route`;
  return refuse('conflict', { member: header, code: 'BAD_REQUEST', message });
}
