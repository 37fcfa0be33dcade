/** Where an item of a heap keeps its place in it; -1: it is in none. */
export interface Slot<T> {
  get(item: T): number;
  set(item: T, at: number): void;
}

/**
 * A binary heap whose items know their places, so that any of them is taken out, or moved when its rank has changed, in
 * logarithmic time. `before(a, b)` says which comes out first; ties are for it to break.
 */
export class IndexedHeap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;
  readonly #slot: Slot<T>;

  constructor(before: (a: T, b: T) => boolean, slot: Slot<T>) {
    this.#before = before;
    this.#slot = slot;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const at = this.#items.push(item) - 1;
    this.#rise(item, at);
  }

  pop(): T | undefined {
    const top = this.#items[0];
    if (top !== undefined) this.remove(top);
    return top;
  }

  /** Its rank has changed, either way. */
  update(item: T): void {
    this.#sink(item, this.#rise(item, this.#slot.get(item)));
  }

  remove(item: T): void {
    const at = this.#slot.get(item);
    const last = this.#items.pop() as T;
    this.#slot.set(item, -1);
    if (last === item) return;
    this.#sink(last, this.#rise(last, at));
  }

  /** In no particular order. */
  items(): readonly T[] {
    return this.#items;
  }

  #rise(item: T, from: number): number {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#items[parent] as T;
      if (!this.#before(item, above)) break;
      this.#put(above, at);
      at = parent;
    }
    this.#put(item, at);
    return at;
  }

  #sink(item: T, from: number): void {
    const items = this.#items;
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#before(items[child + 1] as T, items[child] as T)) child += 1;
      if (!this.#before(items[child] as T, item)) break;
      this.#put(items[child] as T, at);
      at = child;
    }
    this.#put(item, at);
  }

  #put(item: T, at: number): void {
    this.#items[at] = item;
    this.#slot.set(item, at);
  }
}
