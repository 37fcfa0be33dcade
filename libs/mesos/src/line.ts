/** First in, first out, in constant time however long it is (an array's `shift` is not). */
export interface Line<Item> {
  size(): number;
  add(item: Item): void;
  /** These come before all others, in this order. */
  putBack(first: readonly Item[]): void;
  /** At most so many. */
  take(count: number): readonly Item[];
}

export function createLine<Item>(): Line<Item> {
  let items: Item[] = [];
  let taken = 0;
  return {
    size: () => items.length - taken,
    add: (item) => void items.push(item),
    putBack(first) {
      items = [...first, ...items.slice(taken)];
      taken = 0;
    },
    take(count) {
      const next = items.slice(taken, taken + count);
      taken += next.length;
      if (taken * 2 >= items.length) {
        items = items.slice(taken);
        taken = 0;
      }
      return next;
    },
  };
}
