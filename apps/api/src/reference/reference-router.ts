import { createHash } from 'node:crypto';
import { Router, type RequestHandler } from 'express';
import { writeExactJson, type RequestBounds } from '@juice/contracts';
import { jsonType } from '../answer.ts';
import { setCommonHeaders } from '../common-headers.ts';
import { named, wrongMethod } from '../tasks-router.ts';
import { createDocument } from './document.ts';
import { pageStyle, writePage } from './page.ts';

interface Served {
  readonly type: string;
  readonly text: string;
  readonly etag: string;
}

/**
 * The reference of this service: `/openapi.json` and `/docs`. Both are written when they are first asked for, and hold nothing that is not in the
 * repository but the operator's limits: no caller has to show who it is. The page runs no script and loads nothing; all
 * that its policy lets in, beyond that of other answers, is its own style.
 */
export function createReferenceRouter(bounds: RequestBounds): Router {
  const styleHash = createHash('sha256').update(pageStyle).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  const router = Router();
  const serve = (path: string, write: () => Served, headers: Readonly<Record<string, string>>): void => {
    let served: Served | undefined;
    const answer: RequestHandler = (request, response) => {
      served ??= write();
      setCommonHeaders(response);
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      // The browser keeps it, and asks each time whether it is still right.
      response.setHeader('cache-control', 'no-cache').setHeader('etag', served.etag);
      if (request.fresh) return void response.status(304).end();
      response.setHeader('content-type', served.type).setHeader('content-length', Buffer.byteLength(served.text));
      response.end(served.text);
    };
    router.route(path).all(named(path)).get(answer).all(wrongMethod('GET', 'HEAD'));
  };
  serve('/openapi.json', () => written(jsonType, writeExactJson(createDocument(bounds))), {});
  serve('/docs', () => written('text/html; charset=utf-8', writePage(createDocument(bounds))), {
    'content-security-policy': policy,
  });
  return router;
}

function written(type: string, text: string): Served {
  return { type, text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"` };
}
