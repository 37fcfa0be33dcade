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

export function partsOfEndpoint(endpoint: string): { readonly tenantId: string; readonly origin: string } {
  const at = endpoint.indexOf(' ');
  return { tenantId: endpoint.slice(0, at), origin: endpoint.slice(at + 1) };
}

/** What a lane's cause says: why, in a word of a small set, and where. A tenant's lanes with the same trouble have the same. */
export function causeOf(endpoint: string, reason: string): string {
  return `${reason} ${partsOfEndpoint(endpoint).origin}`;
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

export function endpointOfKey(key: string): string {
  const [, tenantId = '', origin = ''] = key.split(' ');
  return `${tenantId} ${origin}`;
}

/** As long as the largest, so that keys sort as ids do. */
function idWord(taskId: TaskId): string {
  return String(taskId).padStart(19, '0');
}
