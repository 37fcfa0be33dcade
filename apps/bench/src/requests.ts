import http from 'node:http';
import { parseExactJson } from '@juice/contracts';
import { ask } from './ask.ts';
import { startPart, type Part } from './callback-parts.ts';
import { median, percentile } from './statistics.ts';

export interface RequestBenchOptions {
  /** How often each arrangement has its turn. */
  readonly rounds: number;
  /** How long a turn is. */
  readonly turnMs: number;
  /** Requests in hand at a time. */
  readonly concurrency: readonly number[];
  readonly say: (line: string) => void;
}

const task = {
  ...{ taskName: 'bench', commands: 'echo $GREETING', callbackUrl: 'https://backend.example.com/hook' },
  ...{ env: { name: 'GREETING', value: 'hello' }, resources: { cpu: 0.5, mem: 256 }, retry: 1 },
};

interface Turn {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Of the process that answers. */
  readonly cpuMsEach: number;
}

/**
 * Submissions and queries, by so many clients at a time: to an api with its store, and to a bare Express route that reads and
 * answers the same. Api, route and store are in processes of their own; the clients are this one. Told are medians.
 */
export async function measureRequests({ rounds, turnMs, concurrency, say }: RequestBenchOptions): Promise<void> {
  const store = await startPart('store');
  const [storeUrl = ''] = store.urls;
  const [api, bare] = [await startPart('api', `${storeUrl}/juice`), await startPart('bare')];
  try {
    const taskIds = await submitOne(api.urls[0] ?? '');
    for (const kind of ['submit', 'query'] as const) {
      say(`\n${kind}, ${rounds} rounds of ${turnMs} ms\n`);
      say('| in hand | api: requests/s | bare route | of it | p50, p99 ms | bare route | CPU ms each | bare route |');
      say('| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
      for (const inHand of concurrency) {
        const turns = { api: [] as Turn[], bare: [] as Turn[] };
        for (let round = 0; round <= rounds; round += 1) {
          const one = {
            api: await play(api, kind, taskIds, inHand, turnMs),
            bare: await play(bare, kind, taskIds, inHand, turnMs),
          };
          // The first is to warm up.
          if (round === 0) continue;
          turns.api.push(one.api);
          turns.bare.push(one.bare);
        }
        say(row(inHand, turns));
      }
    }
  } finally {
    await Promise.all([api.stop(), bare.stop()]);
    await store.stop();
  }
}

function row(inHand: number, { api, bare }: { api: readonly Turn[]; bare: readonly Turn[] }): string {
  const rate = (turns: readonly Turn[]) => Math.round(median(turns.map(({ perSecond }) => perSecond)));
  const times = (turns: readonly Turn[]) =>
    `${median(turns.map(({ p50 }) => p50)).toFixed(1)}, ${median(turns.map(({ p99 }) => p99)).toFixed(1)}`;
  const cpu = (turns: readonly Turn[]) => median(turns.map(({ cpuMsEach }) => cpuMsEach)).toFixed(2);
  const share = median(api.map(({ perSecond }, at) => perSecond / (bare[at]?.perSecond ?? NaN)));
  const cells = [inHand, rate(api), rate(bare), share.toFixed(2), times(api), times(bare), cpu(api), cpu(bare)];
  return `| ${cells.join(' | ')} |`;
}

type Kind = 'submit' | 'query';

/** So many clients, each of which sends its next request when it has its answer, until the time is up. */
async function play(part: Part, kind: Kind, taskIds: string, inHand: number, turnMs: number): Promise<Turn> {
  const [url = ''] = part.urls;
  const cpuBeforeMs = await part.cpuMs();
  const agent = new http.Agent({ keepAlive: true, maxSockets: inHand });
  const taken: number[] = [];
  const startedMs = performance.now();
  const client = async (): Promise<void> => {
    for (let sentMs = performance.now(); sentMs - startedMs < turnMs;) {
      await send(agent, url, kind, taskIds);
      const nowMs = performance.now();
      taken.push(nowMs - sentMs);
      sentMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: inHand }, client));
  const lastedMs = performance.now() - startedMs;
  agent.destroy();
  return {
    perSecond: (taken.length * 1000) / lastedMs,
    p50: percentile(taken, 0.5),
    p99: percentile(taken, 0.99),
    cpuMsEach: ((await part.cpuMs()) - cpuBeforeMs) / taken.length,
  };
}

const body = Buffer.from(JSON.stringify(task));

function send(agent: http.Agent, url: string, kind: Kind, taskIds: string): Promise<string> {
  return kind === 'submit'
    ? ask(agent, `${url}/v1/tasks`, { tenantId: 'bench', body })
    : ask(agent, `${url}/v1/tasks?taskIds=${taskIds}`, { tenantId: 'bench' });
}

async function submitOne(url: string): Promise<string> {
  const agent = new http.Agent();
  const { data } = parseExactJson(await send(agent, url, 'submit', '')) as { data: { taskId: bigint } };
  return String(data.taskId);
}
