import request, { type Test } from 'supertest';
import type { App } from '../src/app.ts';
import { parameterExamples } from '../src/reference/parameters.ts';
import { namesIn, type Route } from '../src/reference/route.ts';
import { writeSchema } from '../src/reference/schemas.ts';

/** A request of a route, as the list of routes says that it can be. */
export interface RouteRequest {
  readonly about: string;
  readonly route: Route;
  /** Whether it names a task: then by `taskId`, which is put in when it is sent. */
  readonly namesTask: boolean;
  readonly send: (app: App, taskId: bigint, headers: Readonly<Record<string, string>>) => Test;
}

/** Where an id belongs. */
const ids = '<ids>';

/**
 * Every kind of request that a route takes: with each query parameter that names tasks by itself, as a page,
 * with no query where it may be left out, and with each example of a body, and without one where it may be left out.
 */
export function requestsOf(route: Route): readonly RouteRequest[] {
  const inQuery = queryNamesOf(route);
  const idsInQuery = inQuery.filter((name) => name === 'taskId' || name === 'taskIds');
  const isInPath = namesIn(route.path).some(isOfTask);
  const bodies = bodiesOf(route);
  const byQuery = idsInQuery.map((name) =>
    one(route, { about: `by ${name}`, query: `${name}=${ids}`, body: undefined, namesTask: true }),
  );
  const pages = inQuery.includes('limit')
    ? [one(route, { about: 'as a page', query: 'limit=50', body: undefined, namesTask: isInPath })]
    : [];
  const others = isQueryNeeded(route)
    ? []
    : Object.entries(bodies).map(([about, body]) => one(route, { about, query: null, body, namesTask: isInPath }));
  return [...byQuery, ...pages, ...others];
}

function one(
  route: Route,
  { about, query, body, namesTask }: { about: string; query: string | null; body: unknown; namesTask: boolean },
): RouteRequest {
  const send: RouteRequest['send'] = (app, taskId, headers) => {
    const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      isOfTask(name) ? String(taskId) : encodeURIComponent(parameterExamples[name] ?? ''),
    );
    const sent = request(app)[route.method](query === null ? path : `${path}?${query.replace(ids, String(taskId))}`);
    for (const [name, value] of Object.entries(headers)) void sent.set(name, value);
    return body === undefined ? sent : sent.send(body as object);
  };
  return { about: `${route.method} ${route.path} ${about}`, route, namesTask, send };
}

function isOfTask(name: string): boolean {
  return name === 'taskId' || name === 'callbackId';
}

function bodiesOf({ body }: Route): Readonly<Record<string, unknown>> {
  if (body === undefined) return { 'as it is': undefined };
  return { ...(body.isOptional === true && { 'without a body': undefined }), ...body.examples };
}

function queryNamesOf({ query = [] }: Route): readonly string[] {
  return query.flatMap((schema) => Object.keys((writeSchema(schema) as { properties: object }).properties));
}

function isQueryNeeded({ query = [] }: Route): boolean {
  return query.some((schema) => ((writeSchema(schema) as { required?: readonly string[] }).required ?? []).length > 0);
}
