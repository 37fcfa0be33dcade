import type { Route } from './route.ts';

const service = { method: 'get', group: 'Service', caller: 'anybody' } as const;
const json = 'application/json; charset=utf-8';
const unchanged = { 304: { says: 'It is still the one that `If-None-Match` names.' } };
const checks = { mongodb: true, workerNumber: true, broker: true };
const notReady = {
  ...{ ok: false, status: -2127552258, message: 'data access error: MongoDB is not reachable' },
  checks: { ...checks, mongodb: false },
};

export const serviceRoutes: readonly Route[] = [
  {
    ...{ ...service, path: '/livez', id: 'isAlive' },
    summary: 'Whether the process turns',
    answer: { plain: { 200: { says: 'It does.', type: json, example: { ok: true, status: 0, message: 'OK' } } } },
  },
  {
    ...{ ...service, path: '/readyz', id: 'isReady' },
    summary: 'Whether the service can do its work',
    about: 'It can without the message broker, and then says so in `degraded`.',
    answer: {
      plain: {
        200: { says: 'It can.', type: json, example: { ok: true, status: 0, message: 'OK', checks, degraded: [] } },
        503: { says: 'It cannot.', type: json, example: notReady },
      },
    },
  },
  {
    ...{ ...service, path: '/metrics', id: 'metrics' },
    summary: 'Metrics for Prometheus',
    answer: {
      plain: {
        200: {
          ...{ says: 'In Prometheus’ text format.', type: 'text/plain; version=0.0.4; charset=utf-8' },
          example: 'juice_task_submitted_total 4711\n',
        },
      },
    },
  },
  {
    ...{ ...service, path: '/openapi.json', id: 'document' },
    summary: 'This reference, in OpenAPI 3.1',
    about: 'With the limits that the operator has set.',
    answer: { plain: { 200: { says: 'The document.', type: json, example: { openapi: '3.1.1' } }, ...unchanged } },
  },
  {
    ...{ ...service, path: '/docs', id: 'page' },
    summary: 'This reference, as a page',
    answer: {
      plain: { 200: { says: 'The page.', type: 'text/html; charset=utf-8', example: '<!doctype html>' }, ...unchanged },
    },
  },
];
