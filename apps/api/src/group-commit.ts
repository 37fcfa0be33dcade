/** What the batch function makes of each item, in the items' order. */
export type CommitBatch<Item, Outcome> = (items: readonly Item[]) => Promise<readonly Outcome[]>;

export type Committed<Outcome> = { readonly kind: 'committed'; readonly outcome: Outcome } | { readonly kind: 'full' };

export interface GroupCommit<Item, Outcome> {
  /**
   * Resolves when the item's batch is done, with the item's own outcome; rejects as its batch does. `full`, at once and
   * with nothing done, when too many are waiting already: the caller says so early instead of letting everybody wait.
   */
  commit(item: Item): Promise<Committed<Outcome>>;
  /** Resolves when nothing is waiting or in flight any more. */
  idle(): Promise<void>;
}

interface Waiting<Item, Outcome> {
  readonly item: Item;
  settle(outcome: Committed<Outcome>): void;
  fail(error: unknown): void;
}

/**
 * Lets concurrent callers share one write: while a batch is in flight, arrivals collect, and all of them are the next.
 * Alone, a caller waits for nobody; under load the batches grow by themselves until the store keeps up.
 */
export function createGroupCommit<Item, Outcome>(deps: {
  commitBatch: CommitBatch<Item, Outcome>;
  /** One write's size: bounds the message to the store and how long a batch keeps the next one waiting. */
  maxBatch: number;
  maxWaiting: number;
}): GroupCommit<Item, Outcome> {
  const { commitBatch, maxBatch, maxWaiting } = deps;
  let waiting: Waiting<Item, Outcome>[] = [];
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    // One turn of the loop, so that what arrived in the same turn shares the first batch too.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch);
      waiting = waiting.slice(maxBatch);
      await commitOne(batch);
    }
    running = null;
  }

  async function commitOne(batch: readonly Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await commitBatch(batch.map(({ item }) => item));
      batch.forEach(({ settle }, at) => settle({ kind: 'committed', outcome: outcomes[at] as Outcome }));
    } catch (error: unknown) {
      for (const { fail } of batch) fail(error);
    }
  }

  return {
    commit(item) {
      if (waiting.length >= maxWaiting) return Promise.resolve({ kind: 'full' });
      return new Promise((settle, fail) => {
        waiting.push({ item, settle, fail });
        running ??= run();
      });
    },
    async idle() {
      while (running !== null) await running;
    },
  };
}
