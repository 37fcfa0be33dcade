import type { Refusal } from './refusal.ts';
import type { KeyedRequest } from './request-key.ts';

type Outcome = { readonly ok: true; readonly isReplay: boolean } | Refusal;

/**
 * While a request is being carried out, the same request is not begun again: it waits, and has the same outcome. What comes
 * through other processes meets the same one's key in the store; this keeps ten thousand at once from queueing there.
 */
export function createOncePerRequest<T extends Outcome>() {
  const underWay = new Map<string, Promise<T>>();
  return async (request: KeyedRequest | undefined, carryOut: () => Promise<T>): Promise<T> => {
    if (request === undefined) return carryOut();
    const id = `${request.hash} ${request.key}`;
    const first = underWay.get(id);
    if (first !== undefined) {
      const outcome = await first;
      return outcome.ok ? { ...outcome, isReplay: true } : outcome;
    }
    const outcome = carryOut().finally(() => underWay.delete(id));
    underWay.set(id, outcome);
    return outcome;
  };
}
