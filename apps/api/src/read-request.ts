import { isUtf8 } from 'node:buffer';
import { parseExactJson, parseTaskId, tenantIdPattern, tenantIdRight, type TaskId } from '@juice/contracts';
import { refuse, type Refusal } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

export type Read<T> = { readonly ok: true; readonly value: T } | Refusal;

/** More ids than this in one request are a list query's job. */
const mostIds = 1000;
/** Nothing a submission holds is nested deeper than six; what is deeper is an attempt on the parser. */
const deepestNesting = 32;

/** The X-Tenant-Id of a request, blanks around it removed. */
export function readTenant(header: string | undefined): Read<string> {
  const tenantId = header?.trim() ?? '';
  const member = 'X-Tenant-Id';
  const right = tenantIdRight;
  if (tenantId === '') {
    return refuse('invalid', { member, code: 'OBJECT_NOT_NULL', message: `header ${member} must be given: ${right}` });
  }
  if (tenantIdPattern.test(tenantId)) return { ok: true, value: tenantId };
  const value = shortenValue(tenantId);
  const message = `header ${member} must be ${right}, not ${value}`;
  return refuse('invalid', { member, code: 'OBJECT_NOT_EQUAL', message, value });
}

/** `taskIds=a,b,c`: at least one id and at most 1,000; blanks around them are allowed, an id given twice counts once. */
export function readTaskIds(parameter: unknown): Read<readonly TaskId[]> {
  const text = readParameter('taskIds', parameter, 'positive 64-bit integers separated by commas');
  if (!text.ok) return text;
  const parts = text.value.split(',');
  if (parts.length > mostIds) {
    const message = `taskIds must be at most ${mostIds} ids, not ${parts.length}`;
    return refuse('invalid', { member: 'taskIds', code: 'BAD_REQUEST', message, value: String(parts.length) });
  }
  const ids = new Set<TaskId>();
  for (const part of parts) {
    const id = parseTaskId(part);
    if (id === null) return malformedId('taskIds', 'positive 64-bit integers separated by commas', part);
    ids.add(id);
  }
  return { ok: true, value: [...ids] };
}

/** `taskId=N`: exactly one id. */
export function readTaskId(parameter: unknown): Read<TaskId> {
  const text = readParameter('taskId', parameter, 'a positive 64-bit integer');
  if (!text.ok) return text;
  const id = parseTaskId(text.value);
  return id === null ? malformedId('taskId', 'a positive 64-bit integer', text.value) : { ok: true, value: id };
}

/** The task that a path names. */
export function readTaskIdOfPath(parameter: unknown): Read<TaskId> {
  const id = typeof parameter === 'string' ? parseTaskId(parameter) : null;
  if (id !== null) return { ok: true, value: id };
  const value = shortenValue(parameter);
  const message = `taskId in the path must be a positive 64-bit integer, not ${value}`;
  return refuse('invalid', { member: 'taskId', code: 'DATA_FORMAT', message, value });
}

function readParameter(member: string, parameter: unknown, right: string): Read<string> {
  if (Array.isArray(parameter)) {
    const message = `query parameter ${member} must be given once, not ${parameter.length} times`;
    return refuse('invalid', { member, code: 'BAD_REQUEST', message });
  }
  if (typeof parameter === 'string' && parameter.trim() !== '') return { ok: true, value: parameter };
  const message = `query parameter ${member} must be given: ${right}`;
  return refuse('invalid', { member, code: 'OBJECT_NOT_NULL', message });
}

function malformedId(member: string, right: string, met: string): Refusal {
  const value = shortenValue(met);
  const message = `query parameter ${member} must be ${right}, not ${value}`;
  return refuse('invalid', { member, code: 'DATA_FORMAT', message, value });
}

/**
 * Whether the body's media type is JSON in UTF-8. A request that names none is taken at its word by being parsed: there
 * is only one format here.
 */
export function checkMediaType(contentType: string | undefined): Refusal | null {
  if (contentType === undefined || contentType.trim() === '') return null;
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  const charset = parameters.map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1]);
  const isUtf8Text = charset.every((name) => name === undefined || ['utf-8', 'utf8', 'us-ascii'].includes(name));
  if (type.trim() === 'application/json' && isUtf8Text) return null;
  const value = shortenValue(contentType);
  const message = `header Content-Type must be application/json, in UTF-8, not ${value}`;
  return refuse('wrong-media-type', { member: 'Content-Type', code: 'BAD_REQUEST', message, value });
}

/** A body's bytes as JSON; 64-bit integers exact. */
export function readJson(bytes: unknown): Read<unknown> {
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return unparsable('body must be a JSON object: it is empty');
  if (!isUtf8(bytes)) return unparsable('body must be JSON in UTF-8: it has bytes that are not');
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (nestsDeeperThan(text, deepestNesting)) {
    return unparsable(`body must not be nested deeper than ${deepestNesting} levels`);
  }
  try {
    const value = parseExactJson(text);
    if (/__proto__|\\u00/.test(text) && hasProtoMember(value)) {
      return unparsable('body must not have a member named __proto__');
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ok: true, value };
    // A text alone may be anything, a key too.
    return unparsable(`body must be a JSON object, not ${typeof value === 'string' ? 'a text' : shortenValue(value)}`);
  } catch (error: unknown) {
    return unparsable(`body must be JSON: ${whyUnparsable(error)}`);
  }
}

function unparsable(message: string): Refusal {
  return refuse('invalid', { member: 'body', code: 'PARSE', message });
}

/** The parser's own words, without the text it repeats. */
function whyUnparsable(error: unknown): string {
  const place = error instanceof SyntaxError ? /at position \d+/.exec(error.message) : null;
  return place === null ? 'it cannot be parsed' : `it cannot be parsed ${place[0]}`;
}

/** No harm would come of it here, but nobody sends it with good intentions. As deep as nesting may be. */
function hasProtoMember(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProtoMember);
}

function nestsDeeperThan(text: string, most: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (isInString) {
      if (unit === 0x5c) at += 1;
      else if (unit === 0x22) isInString = false;
    } else if (unit === 0x22) isInString = true;
    else if (unit === 0x7b || unit === 0x5b) {
      depth += 1;
      if (depth > most) return true;
    } else if (unit === 0x7d || unit === 0x5d) depth -= 1;
  }
  return false;
}
