import {
  inquiryPaths,
  queueSurvey,
  whyWaiting,
  type EventName,
  type QueueSurvey,
  type TaskId,
  type WhyWaiting,
} from '@juice/contracts';
import type { z } from 'zod';

/** What only the leading scheduler's memory knows. null: no scheduler leads at present, or it did not answer. */
export interface AskLeader {
  why(taskId: TaskId): Promise<WhyWaiting | null>;
  survey(): Promise<QueueSurvey | null>;
}

/** A leader answers in milliseconds; whoever asked should not wait for one that hangs. */
const usualDeadlineMs = 2_000;

/**
 * Asks the leader at the URL in its lease, whose password is the secret it answers to. Throws DependencyFailure when the
 * lease cannot be read.
 */
export function createAskLeader(deps: {
  leases: { read(name: string): Promise<{ readonly holder: string | null; readonly url: string | null } | null> };
  log: { warn(event: EventName, fields: Readonly<Record<string, unknown>>): void };
  deadlineMs?: number;
}): AskLeader {
  const { deadlineMs = usualDeadlineMs } = deps;

  async function ask<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
    const lease = await deps.leases.read('scheduler');
    if (lease === null || lease.holder === null || lease.url === null) return null;
    const { origin, password } = new URL(lease.url);
    try {
      const answer = await fetch(`${origin}${path}`, {
        headers: { authorization: `Bearer ${password}` },
        signal: AbortSignal.timeout(deadlineMs),
        redirect: 'error',
      });
      if (answer.ok) return schema.parse(await answer.json());
      throw new Error(`it answered ${answer.status}`);
    } catch (error: unknown) {
      deps.log.warn('dependency.unreachable', { dependency: 'scheduler', operation: 'ask', url: origin, error });
      return null;
    }
  }

  return {
    why: (taskId) => ask(`${inquiryPaths.why}${taskId}`, whyWaiting),
    survey: () => ask(inquiryPaths.queue, queueSurvey),
  };
}
