import { createHash, timingSafeEqual } from 'node:crypto';
import { inquiryPaths, parseTaskId } from '@juice/contracts';
import type { HealthAnswer } from '@juice/runtime';
import type { Inquiries } from './runner.ts';

/**
 * Answers the api's questions on the leader's own port; null for any other path. Only to those who can read the lease, for
 * it holds the secret: tenants are told apart by the api, and not here. 503 while this process does not lead.
 */
export function createAnswerInquiry(deps: { secret: string; inquiries: () => Inquiries | null }) {
  const expected = digest(`Bearer ${deps.secret}`);

  return ({ path, authorization = '' }: { path: string; authorization: string | undefined }): HealthAnswer | null => {
    const isQueue = path === inquiryPaths.queue;
    if (!isQueue && !path.startsWith(inquiryPaths.why)) return null;
    if (!timingSafeEqual(digest(authorization), expected))
      return json(401, { detail: 'the secret of the lease is needed' });
    const taskId = isQueue ? null : parseTaskId(path.slice(inquiryPaths.why.length));
    if (!isQueue && taskId === null) return json(404, { detail: 'no such task' });
    const inquiries = deps.inquiries();
    if (inquiries === null) return json(503, { detail: 'this process does not lead, or is still loading' });
    return json(200, taskId === null ? inquiries.survey() : inquiries.why(taskId));
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function json(status: number, body: unknown): HealthAnswer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` };
}
