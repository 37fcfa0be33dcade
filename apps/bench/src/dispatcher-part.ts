import { defaultCallbackOptions, startCallback } from '@juice/callback';
import { createMemoryHub } from '@juice/messaging';
import { createLogger, createMetrics } from '@juice/observability';
import { connectMongo, createCallbackStores, createDeliveryStore, createTenantStore } from '@juice/persistence';

/** How many lanes are worked on at a time. */
export const dispatcherConcurrency = 64;

/**
 * `begin`: a dispatcher on this database of the store, with a broker of its own; answered once it runs. `tell`: an event is
 * published to it; not answered. `end`: it is stopped; answered once it is.
 */
export type DispatcherOrder =
  | { readonly kind: 'begin'; readonly database: string }
  | { readonly kind: 'tell'; readonly key: string; readonly event: object }
  | { readonly kind: 'end' };

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** Carries out orders, one after the other, in this process; its URLs: it has none. */
export function serveDispatcher(storeUrl: string): readonly string[] {
  let running: Awaited<ReturnType<typeof begin>> | null = null;
  process.on('message', (order: DispatcherOrder | string) => {
    if (typeof order === 'string') return;
    if (order.kind === 'tell') return void running?.tell(order.key, order.event);
    void carryOut(order).then(() => process.send?.('done'));
  });
  async function carryOut(order: Exclude<DispatcherOrder, { kind: 'tell' }>): Promise<void> {
    if (order.kind === 'begin') running = await begin(`${storeUrl}/${order.database}`);
    else await running?.stop();
  }
  return [];
}

async function begin(mongoUrl: string) {
  const mongo = await connectMongo(mongoUrl, { appName: 'juice-bench', poolSize: dispatcherConcurrency });
  const log = createLogger({ service: 'bench', level: 'error', pretty: false });
  const broker = createMemoryHub({ log }).connect();
  const options = { concurrency: dispatcherConcurrency, allow: ['127.0.0.0/8'], stopGraceMs: 0 };
  const service = startCallback(
    { ...defaultCallbackOptions(secret), ...options },
    {
      store: createDeliveryStore(mongo),
      ...createCallbackStores(mongo),
      tenants: createTenantStore(mongo),
      ...{ broker, log, metrics: createMetrics('callback') },
      onFatal: (error) => {
        throw error;
      },
    },
  );
  return {
    tell: (key: string, event: object) => broker.publish('juice.events', key, event),
    async stop() {
      await service.stop();
      await broker.close();
      await mongo.close();
    },
  };
}
