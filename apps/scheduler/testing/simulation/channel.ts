/** What one side pushes the other reads, once, in order, until it ends. */
export interface Channel<T> {
  push(item: T): void;
  /** What was pushed before is still read. */
  end(): void;
  /** The reader wants no more. */
  close(): void;
  isOver(): boolean;
  read(): AsyncIterable<T>;
}

export function createChannel<T>(): Channel<T> {
  const items: T[] = [];
  let over = false;
  let wake = (): void => undefined;
  return {
    push(item) {
      if (over) return;
      items.push(item);
      wake();
    },
    end() {
      over = true;
      wake();
    },
    close() {
      items.length = 0;
      over = true;
      wake();
    },
    isOver: () => over,
    async *read() {
      for (;;) {
        for (let item = items.shift(); item !== undefined; item = items.shift()) yield item;
        if (over) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
