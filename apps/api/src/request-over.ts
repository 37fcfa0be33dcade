import type { Response } from 'express';

/** Aborted when nobody waits for the answer any more: its client has left, or the service stops. */
export function overOf(response: Response, stopping: AbortSignal): AbortSignal {
  const over = new AbortController();
  const end = (): void => over.abort();
  if (stopping.aborted) end();
  stopping.addEventListener('abort', end);
  response.once('close', () => {
    stopping.removeEventListener('abort', end);
    end();
  });
  return over.signal;
}
