import { traceIdOf } from '@juice/observability';
import type { Request, Response } from 'express';
import { tenantOf } from './caller.ts';
import type { Read } from './read-request.ts';
import { factsOf } from './request-facts.ts';
import { keyedRequest, readKeyOf } from './request-key.ts';
import type { Submission } from './submit-task.ts';

/** Who submits what, under which key and in which trace. */
export function readSubmission(request: Request, response: Response, body: unknown): Read<Submission> {
  const key = readKeyOf(request);
  if (!key.ok) return key;
  const facts = factsOf(response);
  const { traceparent } = facts;
  facts.traceId = traceIdOf(traceparent);
  const { tenantId } = tenantOf(response);
  const submission = { tenantId, body, traceparent };
  if (key.value === null) return { ok: true, value: submission };
  const route = `${request.method} ${request.path}`;
  return { ok: true, value: { ...submission, request: keyedRequest(key.value, { tenantId, route, body }) } };
}
