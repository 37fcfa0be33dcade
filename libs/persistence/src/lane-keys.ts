import { createHash } from 'node:crypto';
import type { TaskId } from '@juice/contracts';

/*
 * A lane that is not for the workers to take one by one, because it waits for its endpoint or is dead, has a key in
 * `callback.aside`: words parted by blanks, which no word holds, and the task's id last, so that one index over a single
 * field answers for an endpoint, a tenant or a cause, in pages.
 *
 *     waits <tenant> <origin> <task id>
 *     dead <tenant> <origin> <reason> <task id>
 */

/** Whose callbacks share a fate: a tenant's at one origin. Two tenants with the same receiver are two endpoints. */
export function endpointOf(tenantId: string, url: string): string {
  return `${tenantId} ${originOf(url)}`;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'no-url';
}

function partsOfEndpoint(endpoint: string): { readonly tenantId: string; readonly origin: string } {
  const at = endpoint.indexOf(' ');
  return { tenantId: endpoint.slice(0, at), origin: endpoint.slice(at + 1) };
}

/** What a lane's cause says: why, in a word of a small set, and where. A tenant's lanes with the same trouble have the same. */
export function causeOf(endpoint: string, reason: string): string {
  return `${reason} ${partsOfEndpoint(endpoint).origin}`;
}

/** The word of a cause that says why; empty when there is no cause. */
export function reasonOfCause(cause: string | undefined): string {
  return cause?.split(' ')[0] ?? '';
}

export function waitsKey(endpoint: string, taskId: TaskId): string {
  return `waits ${endpoint} ${idWord(taskId)}`;
}

export function deadKey(endpoint: string, reason: string, taskId: TaskId): string {
  return `dead ${endpoint} ${reason} ${idWord(taskId)}`;
}

/** Keys that begin with these words. */
export function keysBelow(words: string): { readonly $gte: string; readonly $lt: string } {
  return { $gte: `${words} `, $lt: pastKeysBelow(words) };
}

/** The first that a key after all those can be. */
export function pastKeysBelow(words: string): string {
  return `${words}!`;
}

export interface DeadPlace {
  readonly tenantId: string;
  readonly origin: string;
  readonly reason: string;
}

/** What the key of a dead lane says. */
export function placeOfDead(key: string): DeadPlace {
  const [, tenantId = '', origin = '', reason = ''] = key.split(' ');
  return { tenantId, origin, reason };
}

/** 64 bits: among a million groups two alike are as likely as one in thirty million. */
const fingerprintDigits = 16;

/** Names the dead lanes that share a trouble: a tenant, an origin and a reason. The same for ever, in every installation. */
export function fingerprintOf(endpoint: string, reason: string): string {
  return createHash('sha256').update(`${endpoint} ${reason}`).digest('hex').slice(0, fingerprintDigits);
}

/**
 * What a lane keeps of the replay that has armed it again: `<replay> waiting` until all was delivered or it has died once more,
 * then `delivered` or `dead`. One index over it counts what came of a replay.
 */
export type ReplayOutcome = 'waiting' | 'delivered' | 'dead';

export function replayMark(replayId: string, outcome: ReplayOutcome): string {
  return `${replayId} ${outcome}`;
}

/** What a lane may bear of a replay. */
export function replayMarks(replayId: string): string[] {
  return (['waiting', 'delivered', 'dead'] as const).map((outcome) => replayMark(replayId, outcome));
}

/** The replay that has armed a lane last; null: none has. */
export function replayOfMark(mark: string | undefined): string | null {
  return mark?.split(' ')[0] ?? null;
}

/** The replay that a lane is under; null: none, or its outcome is known. */
export function replayUnderWay(mark: string | undefined): string | null {
  const [replayId = null, outcome] = mark?.split(' ') ?? [];
  return outcome === 'waiting' ? replayId : null;
}

export function endpointOfKey(key: string): string {
  const [, tenantId = '', origin = ''] = key.split(' ');
  return `${tenantId} ${origin}`;
}

/** As long as the largest, so that keys sort as ids do. */
function idWord(taskId: TaskId): string {
  return String(taskId).padStart(19, '0');
}
