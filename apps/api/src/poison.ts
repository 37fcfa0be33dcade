import { poisonLimit, redriveLimit, type PoisonAnswer, type RedriveAnswer } from '@juice/contracts';
import type { Broker } from '@juice/messaging';
import type { Acted } from './audit.ts';
import { refuse, type Refusal } from './refusal.ts';

/** The part of the broker that looking at poison needs. */
export type PoisonSource = Pick<Broker, 'peekPoison' | 'redrivePoison' | 'isUp'>;

/** Messages that could not be used: to look at, and to put back once what was wrong is repaired. Throws DependencyFailure. */
export interface Poison {
  show(query: {
    readonly limit?: number | undefined;
  }): Promise<{ readonly ok: true; readonly answer: PoisonAnswer } | Refusal>;
  redrive(request: { readonly limit?: number | undefined }): Promise<Acted<RedriveAnswer>>;
}

export function createPoison({ broker }: { broker: PoisonSource }): Poison {
  return {
    async show({ limit = poisonLimit.default }) {
      if (!broker.isUp()) return brokerAway();
      const { count, messages } = await broker.peekPoison(limit);
      const shown = messages.map(({ queue, reason, atMs, bytes, start }) => ({
        ...(queue !== null && { queue }),
        ...(reason !== null && { reason }),
        ...(atMs !== null && { at: new Date(atMs).toISOString() }),
        ...{ bytes, start },
      }));
      return { ok: true, answer: { count, messages: shown } };
    },
    async redrive({ limit = redriveLimit.default }) {
      if (!broker.isUp()) return brokerAway();
      const answer = await broker.redrivePoison(limit);
      return { ok: true, answer, noted: { ...answer } };
    },
  };
}

function brokerAway(): Refusal {
  const message = 'the broker is not reachable; nothing was done, try again shortly';
  return refuse('unavailable', { member: 'broker', code: 'QUEUE', message });
}
