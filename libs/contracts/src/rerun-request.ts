import type { z } from 'zod';
import { closedObject, flag } from './request-members.ts';
import { submitRequest, type RequestBounds } from './submit-request.ts';

/**
 * The body of POST /v1/tasks/{taskId}/rerun: members of a submission that are to be different this time; null is as if it
 * had not been given then. Of `resources` those named change, of `env` and `envs` those variables; other members change as
 * a whole.
 */
export function rerunRequest(bounds: RequestBounds) {
  return closedObject({
    ...submitRequest(bounds).partial().shape,
    force: flag().optional().meta({ description: 'Also when the task has not ended.' }),
  });
}

export type RerunRequest = z.output<ReturnType<typeof rerunRequest>>;
