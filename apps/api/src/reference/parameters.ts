import { z } from 'zod';
import { logStreams, switchNameRight, tenantIdPattern } from '@juice/contracts';
import type { AnswerHeader, RequestHeader } from './route.ts';

/** What is named in paths. Ids of tasks are texts here: a generated client would round a number. */
export const pathParameters: Readonly<Record<string, z.ZodType>> = {
  taskId: z.string().meta({ pattern: '^\\d{1,19}$', description: 'The task, of the tenant that asks.' }),
  callbackId: z
    .string()
    .meta({ pattern: '^\\d{1,19}(_\\d{1,9})?$', description: 'A callback’s webhook-id, or the id of a task.' }),
  replayId: z.string().meta({ description: 'The replay.' }),
  stream: z.enum(logStreams).meta({ description: 'Which of its outputs.' }),
  tenantId: z.string().meta({ pattern: tenantIdPattern.source, description: 'The tenant; it need not be known yet.' }),
  keyId: z.string().meta({ description: 'The public part of a key: jk_<keyId>_<secret>.' }),
  secretId: z.string().meta({ description: 'The callback secret’s id.' }),
  switchName: z.string().meta({ description: `The switch: ${switchNameRight}.` }),
};

const right = '1 to 1000 ids with commas between them; blanks around them are allowed.';
export const taskIdQuery = z.object({
  taskId: z.string().optional().meta({ pattern: '^\\s*\\d{1,19}\\s*$', description: 'The task.' }),
});
export const taskIdsQuery = z.object({ taskIds: z.string().meta({ description: `The tasks: ${right}` }) });
export const maybeTaskIdsQuery = z.object({
  taskIds: z
    .string()
    .optional()
    .meta({ description: `The tasks: ${right}` }),
});

/** A right value of every parameter, by its name. */
export const parameterExamples: Readonly<Record<string, string>> = {
  taskId: '806769905152840693',
  taskIds: '806769905152840693,806769905152840695',
  callbackId: '806769905152840693_3',
  replayId: '001769851800000-5f2b7c1e0a4d',
  group: '5d1f0a6be4c87352',
  endpoint: 'https://acme.example.com',
  cause: 'status-503',
  until: '2026-02-01T00:00:00Z',
  stream: 'stdout',
  attempt: '1',
  offset: '-1000',
  length: '1000',
  follow: 'false',
  tenantId: 'acme',
  keyId: '4f0c2b7d9a1e63c5',
  secretId: '9d1f0a6be4c87352',
  switchName: 'stop-launching',
  status: 'RUNNING,1',
  namePrefix: 'night-',
  label: 'team:red',
  submittedAfter: '2026-01-31T00:00:00Z',
  submittedBefore: '2026-02-01T00:00:00+08:00',
  limit: '50',
  tenant: 'acme',
  actor: 'bootstrap',
  action: 'key.created',
  since: '2026-01-31T00:00:00Z',
  'X-Tenant-Id': 'acme',
  'X-Request-Id': '5f2b7c1e-0a4d-4a64-9a55-0d3a2c7b9e10',
  'Idempotency-Key': 'order-4711',
  lastEventId: '12-345',
  from: 'start',
  firstDay: '2026-01-01',
  lastDay: '2026-01-31',
  'Last-Event-ID': '12-345',
  'If-Match': '"3"',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};

/** `Authorization` and `X-Tenant-Id` are ways to show who one is, and described as such. */
export const requestHeaders: Readonly<Record<RequestHeader | 'X-Request-Id', z.ZodType>> = {
  'X-Request-Id': z.string().meta({
    pattern: '^[A-Za-z0-9._:-]{1,128}$',
    description: 'Names the request in logs and answers; one is made up where there is none, or one that is none.',
  }),
  'Idempotency-Key': z.string().meta({
    pattern: '^[\\x20-\\x7e]{1,255}$',
    description: 'For 24 hours the same request with the same key is carried out once, whichever process it reaches.',
  }),
  'Last-Event-ID': z.string().meta({
    description: 'The id of the last event that was seen: the stream begins behind it. Comes before the query.',
  }),
  'If-Match': z.string().meta({
    description:
      'The ETag of the settings that are to be changed, or `*`. Once there are settings, PUT and PATCH need it; DELETE may have it.',
  }),
  traceparent: z.string().meta({ description: 'W3C Trace Context; kept with the task, and sent with its callbacks.' }),
};

export const answerHeaders = {
  'X-Request-Id': { about: 'What the request was named, by its sender or by the service.', example: 'order-4711-1' },
  ETag: { about: 'The version of the settings, for `If-Match`.', example: '"3"' },
  'Idempotency-Replayed': { about: '`true`: the answer was given before, to the same request.', example: 'true' },
  'Retry-After': { about: 'After how many seconds it is worth trying again.', example: '5' },
  'RateLimit-Limit': { about: 'How many requests the tenant may make at once, where it has a pace.', example: '40' },
  'RateLimit-Remaining': { about: 'How many it could still make now.', example: '39' },
  'RateLimit-Reset': { about: 'In how many seconds it could make all of them again.', example: '1' },
  'RateLimit-Policy': { about: 'Its pace: so many, in a window of so many seconds.', example: '40;w=2' },
  'WWW-Authenticate': { about: 'How to show who one is.', example: 'Bearer' },
  Allow: { about: 'The methods that the path has.', example: 'GET, HEAD' },
  Connection: { about: '`close`: what else is sent on this connection is not read.', example: 'close' },
} as const satisfies Readonly<Record<AnswerHeader | string, { readonly about: string; readonly example: string }>>;
export type AnyAnswerHeader = keyof typeof answerHeaders;

/** What every answer of a tenant's route has where the tenant has a pace. */
export const paceHeaders: readonly AnyAnswerHeader[] = [
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'RateLimit-Policy',
];
