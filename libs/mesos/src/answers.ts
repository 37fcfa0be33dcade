/**
 * What a master's answer to a call means. A call that is `accepted` has only been received: whether it had its effect is
 * told by later events.
 *
 * | answer                                                     | class             | what to do                       |
 * |------------------------------------------------------------|-------------------|----------------------------------|
 * | 202, 200                                                   | accepted          |                                  |
 * | 307, 503, 403                                              | subscription-lost | stop sending, subscribe again    |
 * | 400 Framework cannot be found                              | subscription-lost | the same                         |
 * | 400 The stream ID … didn't match …                         | subscription-lost | the same                         |
 * | any other status below 500, and 501                        | refused           | never repeat it: the call is bad |
 * | any other status from 500                                  | unknown           | find out by reconciliation       |
 * | no answer (connection broke, time ran out)                 | unknown           | the same                         |
 *
 * Of calls that wait for their turn, those that the end of the stream overtakes are subscription-lost, and those given up
 * (too many wait, or the master cannot be reached) unknown.
 */
export type CallAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'subscription-lost'; readonly detail: string }
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

export function classifyAnswer(status: number, body: string): CallAnswer {
  const detail = body === '' ? `status ${status}` : body;
  if (status === 202 || status === 200) return { kind: 'accepted' };
  if (isSubscriptionLost(status, body)) return { kind: 'subscription-lost', detail };
  if (status >= 500 && status !== 501) return { kind: 'unknown', detail };
  return { kind: 'refused', status, detail };
}

function isSubscriptionLost(status: number, body: string): boolean {
  if (status === 307 || status === 503 || status === 403) return true;
  return status === 400 && (body === 'Framework cannot be found' || /^The stream ID .* didn't match/.test(body));
}

/**
 * Whether a SUBSCRIBE that was answered with anything but 200 may succeed later, or on another master: not when the master
 * understood it and said no (bad request, bad credentials). A wrong FrameworkInfo is not told here: it gets 200 and an
 * ERROR event.
 */
export function mayRetrySubscribe(status: number): boolean {
  return status < 400 || status === 408 || status === 429 || (status >= 500 && status !== 501);
}
