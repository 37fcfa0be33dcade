import { InvariantBroken } from '@juice/contracts';
import { httpStatusOf } from '../src/answer.ts';
import { failureAnywhere } from '../src/reference/failures.ts';
import { refusalsOf } from '../src/reference/route.ts';
import { routes } from '../src/reference/routes.ts';
import type { Answered } from '../src/request-log.ts';

/**
 * Throws for an answer whose status the list of routes does not have for it. Nobody catches it where it is thrown, so that
 * whatever a test of this app is about, it also fails over what the reference keeps silent about.
 */
export function checkDocumented({ route: path, method, status }: Pick<Answered, 'route' | 'method' | 'status'>): void {
  const ofPath = routes.filter((route) => route.path === path);
  if (path === 'unknown' || status === 499) return;
  if (ofPath.length === 0) throw new InvariantBroken(`${method} ${path} is not in the list of routes`);
  const route = ofPath.find((one) => one.method === (method === 'HEAD' ? 'get' : method.toLowerCase()));
  // Where GET streams, HEAD is refused as any method is that the path does not have.
  const isRefused = route === undefined || method === 'HEAD';
  const expected = [...(isRefused ? [failureAnywhere.status] : []), ...(route === undefined ? [] : statusesOf(route))];
  if (expected.includes(status)) return;
  throw new InvariantBroken(`${method} ${path}: the reference does not have the status ${status}`);
}

function statusesOf(route: (typeof routes)[number]): readonly number[] {
  const successes = 'plain' in route.answer ? Object.keys(route.answer.plain).map(Number) : [200];
  return [...successes, ...refusalsOf(route).map(httpStatusOf)];
}
