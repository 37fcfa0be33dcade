import type { Offer, ReceivedCall } from '@juice/mesos';

/** Thousandths of what was offered, or taken. */
type Amounts = Map<string, number>;

/**
 * What became of each offer: answered once, never accepted after its rescission was read, and never drawn on for more
 * than it holds. Each check returns what is wrong. (A decline of what is rescinded does no harm.)
 */
export interface OfferAccount {
  offered(offers: readonly Offer[]): void;
  /** A scheduler has read that it is rescinded. */
  rescinded(offerId: string): void;
  answered(call: ReceivedCall): string[];
}

export function createOfferAccount(): OfferAccount {
  const open = new Map<string, Amounts>();
  const answeredBefore = new Set<string>();
  const rescinded = new Set<string>();

  function draw(call: ReceivedCall, offerIds: readonly string[]): string[] {
    const left: Amounts = new Map();
    for (const id of offerIds) for (const [name, amount] of open.get(id) ?? []) add(left, name, amount);
    const taken = (call.accept?.operations ?? []).flatMap(({ launch }) => launch?.task_infos ?? []);
    for (const { resources } of taken) {
      for (const { name, scalar } of resources) add(left, name, -Math.round((scalar?.value ?? 0) * 1000));
    }
    return [...left].flatMap(([name, amount]) =>
      amount < 0 ? [`${offerIds.join()} is overdrawn by ${-amount} milli ${name}`] : [],
    );
  }

  return {
    offered(offers) {
      for (const { id, resources } of offers) {
        const amounts: Amounts = new Map();
        for (const { name, scalar } of resources) add(amounts, name, Math.round((scalar?.value ?? 0) * 1000));
        open.set(id.value, amounts);
      }
    },
    rescinded: (offerId) => void rescinded.add(offerId),
    answered(call) {
      const offerIds = [...(call.accept?.offer_ids ?? []), ...(call.decline?.offer_ids ?? [])].map(
        ({ value }) => value,
      );
      const isAccept = call.type === 'ACCEPT';
      const problems = offerIds.flatMap((id) => [
        ...(answeredBefore.has(id) ? [`${id} is answered twice`] : []),
        ...(isAccept && rescinded.has(id) ? [`${id} is accepted though it is known to be rescinded`] : []),
        ...(open.has(id) ? [] : [`${id} was never offered`]),
      ]);
      for (const id of offerIds) answeredBefore.add(id);
      return [...problems, ...draw(call, offerIds)];
    },
  };
}

function add(amounts: Amounts, name: string, amount: number): void {
  amounts.set(name, (amounts.get(name) ?? 0) + amount);
}
