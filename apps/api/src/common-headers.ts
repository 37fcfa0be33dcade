import type { ServerResponse } from 'node:http';
import { factsOf } from './request-facts.ts';

/** Nothing here is a page, and nothing may be kept: what a browser could do with an answer is switched off. */
const securityHeaders = [
  ...['x-content-type-options', 'nosniff'],
  ...['cache-control', 'no-store'],
  ...['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ...['referrer-policy', 'no-referrer'],
  ...['x-frame-options', 'DENY'],
  ...['cross-origin-resource-policy', 'same-origin'],
];

/** What every answer says, names and values in turn: Node writes these as they are, and keeps a list of headers that are set. */
export function commonHeaders(response: ServerResponse): string[] {
  const { requestId, isLast } = factsOf(response);
  const headers = [...securityHeaders, 'x-request-id', requestId];
  if (isLast) headers.push('connection', 'close');
  return headers;
}

/** The same, for answers that add their own one by one. */
export function setCommonHeaders(response: ServerResponse): void {
  const headers = commonHeaders(response);
  for (let at = 0; at < headers.length; at += 2) response.setHeader(headers[at] ?? '', headers[at + 1] ?? '');
}
