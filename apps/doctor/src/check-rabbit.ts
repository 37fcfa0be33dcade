import { openExamination, type BrokerExamination } from '@juice/messaging';
import { ok, type Finding } from './finding.ts';
import { judgeBrokerVersion, judgeTopology } from './judge-parts.ts';
import { runCheck, skipAll } from './run-check.ts';

export interface RabbitTarget {
  readonly url: string;
  /** The URL as it may be shown. */
  readonly shown: string;
  /** Before the names of exchanges and queues: of tests alone. */
  readonly prefix?: string;
  readonly limitMs: number;
}

const [version, topology] = ['rabbitmq.version', 'rabbitmq.topology'] as const;

/** How long a broker may take to answer our goodbye. */
const goodbyeMs = 1_000;

/** Declares nothing that is not there. */
export async function checkRabbit(target: RabbitTarget): Promise<readonly Finding[]> {
  const { shown, limitMs } = target;
  const over = new AbortController();
  // Two checks one after the other, and the goodbye.
  const cut = setTimeout(() => over.abort(), limitMs * 2 + goodbyeMs);
  try {
    let opened: BrokerExamination | undefined;
    const advice = `look whether RabbitMQ runs at ${shown}, and at JUICE_AMQP_URL: host, user, password, virtual host, TLS`;
    const reached = await runCheck('rabbitmq.connection', { limitMs, advice }, async () => {
      opened = await openExamination(target.url, { prefix: target.prefix ?? '', signal: over.signal });
      return ok(`${shown} answers`);
    });
    if (opened === undefined || reached.verdict !== 'ok')
      return [reached, ...skipAll([version, topology], 'RabbitMQ is not reached')];
    return [reached, ...(await checkOpened(opened, limitMs))];
  } finally {
    clearTimeout(cut);
    over.abort();
  }
}

async function checkOpened(opened: BrokerExamination, limitMs: number): Promise<readonly Finding[]> {
  const advice = 'look whether the user of JUICE_AMQP_URL may configure, write and read juice.*';
  const judged = await runCheck(topology, { limitMs, advice }, async () =>
    judgeTopology(await opened.examineTopology()),
  );
  await opened.close();
  return [{ check: version, ...judgeBrokerVersion(opened) }, judged];
}
