import type { z } from 'zod';
import type { ErrorCodeName } from '@juice/contracts';
import type { Problem } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** More would not help anybody to repair a request. */
const mostProblems = 50;
/** A member that nobody knows, or a label, may be called anything: enough of its name to find it by. */
const longestName = 64;

/**
 * What a schema found wrong with a body, as problems: one for each place, in the order of the schema. The codes are the
 * original's: what is absent, null or blank; env and args; everything else.
 */
export function describeProblems(issues: readonly Issue[], body: unknown): Problem[] {
  const problems = new Map<string, Problem>();
  for (const found of issues.flatMap((issue) => flatten(issue, []))) {
    if (problems.size === mostProblems) break;
    const member = writePath(found.path);
    if (!problems.has(member)) problems.set(member, describe(member, found, body));
  }
  return [...problems.values()];
}

interface Found {
  readonly path: Path;
  readonly message: string;
  /** What is wrong: a member's value, its name, or that there is no such member. */
  readonly what: 'value' | 'name' | 'unknown';
}

/**
 * A union's own issue tells of a value of no kind that it takes. A value of one of its kinds was meant for that branch,
 * and what is wrong with it counts.
 */
function flatten(issue: Issue, before: Path): Found[] {
  const path = [...before, ...issue.path];
  const { message } = issue;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key.slice(0, longestName)], message, what: 'unknown' }));
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path, message, what: 'name' }));
  if (issue.code === 'invalid_union') {
    const isOtherKind = ({ code, path }: Issue): boolean => code === 'invalid_type' && path.length === 0;
    const meant = issue.errors.find((branch) => !branch.some(isOtherKind));
    if (meant !== undefined) return meant.flatMap((inner) => flatten(inner, path));
  }
  return [{ path, message, what: 'value' }];
}

function describe(member: string, { path, message: right, what }: Found, body: unknown): Problem {
  if (what === 'unknown') return notKnown(member, right);
  if (what === 'name') {
    const name = shortenValue(String(path.at(-1)));
    const message = `a name in ${writePath(path.slice(0, -1))} must be ${right}, not ${name}`;
    return { member, code: 'OBJECT_NOT_EQUAL', message, value: name };
  }
  const value = valueAt(body, path);
  const code = codeOf(path, value);
  if (isSecret(path, value)) return { member, code, message: `${member} must be ${right}` };
  const shown = shortenValue(value);
  return { member, code, message: `${member} must be ${right}, not ${shown}`, value: shown };
}

/** What it holds is not shown: it may have been meant for a member that is secret. */
function notKnown(member: string, right: string): Problem {
  return { member, code: 'OBJECT_NOT_EQUAL', message: `${member} must be ${right}` };
}

function codeOf([first]: Path, value: unknown): ErrorCodeName {
  if (first === 'env' || first === 'envs' || first === 'args') return 'INIT_OBJECT';
  const isAbsent = value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
  return isAbsent ? 'OBJECT_NOT_NULL' : 'OBJECT_NOT_EQUAL';
}

/**
 * What may be the value of an environment variable is not repeated, whatever it was given as, and nothing that may be
 * credentials or the query of a URL: one can be given for any member, and where one belongs, without its scheme.
 */
function isSecret(path: Path, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const isEnvValue = (path[0] === 'env' || path[0] === 'envs') && path.at(-1) !== 'name';
  const isUrl = path[0] === 'uris' || ['callbackUrl', 'endpoint', 'url'].includes(String(path.at(-1)));
  return isEnvValue || (isUrl && /[@?]/.test(value)) || /:\/\/.*[@?]/s.test(value);
}

/** `container.docker.image`, `env[2].name`; the body itself is `body`. */
function writePath(path: Path): string {
  if (path.length === 0) return 'body';
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${shortenName(String(part))}`))
    .join('');
}

function shortenName(name: string): string {
  return name.length <= longestName ? name : `${name.slice(0, longestName)}…`;
}

function valueAt(body: unknown, path: Path): unknown {
  let value = body;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
