/** What the batch function makes of each item, in the items' order. */
export type CommitBatch<Item, Outcome> = (items: readonly Item[]) => Promise<readonly Outcome[]>;

export interface GroupCommit<Item, Outcome> {
  /**
   * Resolves when the items' batches are done, with each item's own outcome; rejects as a batch does. null, at once and with
   * nothing done, when too many are waiting already: the caller says so early instead of letting everybody wait. Items that
   * come together are taken together. `isAdmitted`: they belong to what was taken before, and are not turned away.
   */
  commit(items: readonly Item[], isAdmitted?: boolean): Promise<readonly Outcome[]> | null;
  /** Resolves when nothing is waiting or in flight any more. */
  idle(): Promise<void>;
}

interface Waiting<Item, Outcome> {
  readonly item: Item;
  settle(outcome: Outcome): void;
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
    while (waiting.length > 0) {
      // One turn of the loop, so that what has arrived by then shares the batch: what is one less to write is the store's and ours.
      await new Promise(setImmediate);
      const batch = waiting.slice(0, maxBatch);
      waiting = waiting.slice(maxBatch);
      await commitOne(batch);
    }
    running = null;
  }

  async function commitOne(batch: readonly Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await commitBatch(batch.map(({ item }) => item));
      batch.forEach(({ settle }, at) => settle(outcomes[at] as Outcome));
    } catch (error: unknown) {
      for (const { fail } of batch) fail(error);
    }
  }

  return {
    commit(items, isAdmitted = false) {
      if (waiting.length >= maxWaiting && !isAdmitted) return null;
      const outcomes = items.map(
        (item) => new Promise<Outcome>((settle, fail) => waiting.push({ item, settle, fail })),
      );
      running ??= run();
      return Promise.all(outcomes);
    },
    async idle() {
      while (running !== null) await running;
    },
  };
}
