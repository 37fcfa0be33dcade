import type { ServerResponse } from 'node:http';

/** Text as Mesos answers it; an empty body has no type. */
export function answer(response: ServerResponse, status: number, body: string): void {
  if (body !== '') response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.writeHead(status).end(body);
}

export function answerJson(response: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body);
}
