import { createApiStores, defaultApiOptions, startApi } from '@juice/api';
import { createMemoryBroker } from '@juice/messaging';
import { createLogger, createMetrics } from '@juice/observability';
import { connectMongo, ensureIndexes } from '@juice/persistence';
import express, { type Express } from 'express';

/** An api on a store; its messages go nowhere, for nobody waits for them. Its URL. */
export async function serveApi(storeUrl: string): Promise<string> {
  const mongo = await connectMongo(storeUrl, { appName: 'bench-api', poolSize: 32 });
  await ensureIndexes(mongo);
  const log = createLogger({ service: 'api', level: 'silent' });
  const unused = () => Promise.resolve(null);
  const { url } = await startApi(
    { ...defaultApiOptions(), port: 0 },
    {
      ...createApiStores(mongo),
      ...{ leader: { why: unused, survey: unused }, files: { size: unused, read: unused } },
      ...{ broker: createMemoryBroker({ log }), log, metrics: createMetrics('api') },
    },
  );
  return url;
}

/** What there is to gain: the same requests read and answered alike, and nothing done. */
export function createBareRoute(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  let next = 806_769_905_152_840_693n;
  app.post('/v1/tasks', express.json(), (_request, response) => {
    next += 1n;
    const body = `{"status":0,"message":"OK","data":{"taskId":${next},"taskIdStr":"${next}"}}`;
    response.setHeader('content-type', 'application/json; charset=utf-8').end(body);
  });
  app.get('/v1/tasks', (request, response) => {
    const { taskIds } = request.query;
    const id = typeof taskIds === 'string' ? taskIds : '0';
    const body = `{"status":0,"message":"OK","data":[{"taskId":${id},"taskName":"bench"}]}`;
    response.setHeader('content-type', 'application/json; charset=utf-8').end(body);
  });
  return app;
}
