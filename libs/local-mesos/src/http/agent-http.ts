import type { IncomingMessage, ServerResponse } from 'node:http';
import { browse, download, read, type FilesAnswer } from './agent-files.ts';
import { answer, answerJson } from './http-answer.ts';

/** An agent's HTTP server: the files of its tasks' sandboxes, under their virtual paths. */
export function createAgentListener(agentFolder: string): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://agent');
    const path = url.searchParams.get('path');
    const use = endpoints[url.pathname.replace(/^\/slave\(1\)/, '').replace(/\.json$/, '')];
    if (use === undefined) return answer(response, 404, '');
    if (request.method !== 'GET') {
      response.setHeader('Allow', 'GET');
      const said = `405 Method Not Allowed. Expecting one of { 'GET' }, but received '${request.method}'.`;
      return answer(response, 405, said);
    }
    if (use === 'health') return answer(response, 200, '');
    if (use === 'version') return answerJson(response, { version: '1.12.0' });
    if (path === null) return answer(response, 400, "Expecting 'path=value' in query.\n");
    use(agentFolder, { path, query: url.searchParams })
      .then((outcome) => write(response, outcome))
      .catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else answer(response, 500, String(error));
      });
  };
}

interface FilesRequest {
  readonly path: string;
  readonly query: URLSearchParams;
}

type FilesEndpoint = (agentFolder: string, request: FilesRequest) => Promise<FilesAnswer>;

const endpoints: Readonly<Record<string, FilesEndpoint | 'health' | 'version'>> = {
  '/files/browse': (folder, { path }) => browse(folder, path),
  '/files/read': (folder, { path, query }) =>
    read(folder, { path, offset: query.get('offset'), length: query.get('length') }),
  '/files/download': (folder, { path }) => download(folder, path),
  '/health': 'health',
  '/version': 'version',
};

function write(response: ServerResponse, outcome: FilesAnswer): void {
  if (outcome.kind === 'text') return answer(response, outcome.status, outcome.body);
  if (outcome.kind === 'json') {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': outcome.body.length });
    response.end(outcome.body);
    return;
  }
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename=${outcome.name.replace(/[^\x21-\x7e]/g, '_')}`,
    'Content-Length': outcome.size,
  });
  outcome.content.once('error', () => response.destroy());
  response.once('close', () => outcome.content.destroy());
  outcome.content.pipe(response);
}
