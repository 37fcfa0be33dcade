import type { Request } from 'express';
import type { KillRequest } from '@juice/contracts';
import { readJson } from './read-request.ts';
import { refuse, type Refusal } from './refusal.ts';

/** Enough of a name to find it by. */
const longestName = 64;

const filterMembers: readonly string[] = ['filter', 'dryRun', 'limit', 'cursor'] satisfies (keyof KillRequest)[];

/**
 * A kill cannot be taken back: what is given beside ids, and would have it mean something else (`dryRun` above all), is refused and
 * not passed over. The original's clients, which give `taskId`, may send other parameters, and bodies that say nothing.
 */
export function besideIds(ids: 'taskId' | 'taskIds', { query, body }: Pick<Request, 'query' | 'body'>): Refusal | null {
  const isOther = (name: string): boolean => (ids === 'taskIds' ? name !== ids : filterMembers.includes(name));
  const read = readJson(body);
  const members = read.ok ? Object.keys(Object(read.value) as object) : [];
  const other = [...Object.keys(query), ...members].find(isOther);
  return other === undefined
    ? null
    : misplaced(other, `left out beside ${ids}: a filter, and dryRun with it, is a body alone`);
}

export function misplaced(name: string, right: string): Refusal {
  const member = name.slice(0, longestName);
  return refuse('invalid', { member, code: 'BAD_REQUEST', message: `${member} must be ${right}` });
}
