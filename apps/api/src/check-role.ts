import type { TaskSpec } from '@juice/contracts';
import type { Problem } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/**
 * A role that the scheduler is not subscribed with is never offered anything: such a task would wait until it expires.
 * `roles` are those it is subscribed with; null where the api was not told.
 */
export function checkRole({ resources: { role } }: TaskSpec, roles: readonly string[] | null): Problem[] {
  if (role === '*' || roles === null || roles.includes(role)) return [];
  const right = ['*', ...roles.filter((one) => one !== '*')].map((one) => JSON.stringify(one)).join(', ');
  const value = shortenValue(role);
  const message = `resources.role must be one of ${right}, for which the scheduler is offered resources, not ${value}`;
  return [{ member: 'resources.role', code: 'OBJECT_NOT_EQUAL', message, value }];
}
