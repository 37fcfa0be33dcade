/** Where an item of a heap keeps its place in it; -1: it is in none. */
export interface Slot<T> {
  get(item: T): number;
  set(item: T, at: number): void;
}

/** What comes out first: the smallest key. Between equal keys `isFirst` says whether `a` does, and must be sure. */
export interface Rank<T> {
  key(item: T): number;
  isFirst(a: T, b: T): boolean;
}

/**
 * A binary heap whose items know their places, so that any of them is taken out, or moved when its rank has changed, in
 * logarithmic time. Keys are kept beside the items, as plain numbers: most comparisons then look at no item at all, and
 * what waits is too much for a processor's cache.
 */
export class IndexedHeap<T> {
  readonly #items: T[] = [];
  readonly #keys: number[] = [];
  readonly #rank: Rank<T>;
  readonly #slot: Slot<T>;

  constructor(rank: Rank<T>, slot: Slot<T>) {
    this.#rank = rank;
    this.#slot = slot;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#rise(item, this.#rank.key(item), this.#items.length);
  }

  pop(): T | undefined {
    const top = this.#items[0];
    if (top !== undefined) this.remove(top);
    return top;
  }

  /** Its rank has changed, either way. */
  update(item: T): void {
    const key = this.#rank.key(item);
    const at = this.#slot.get(item);
    if (at > 0 && this.#isFirst(item, key, (at - 1) >> 1)) this.#rise(item, key, at);
    else this.#sink(item, key, at);
  }

  /** The last one takes its place, which is likely to belong far down: so the gap goes all the way down first. */
  remove(item: T): void {
    const at = this.#slot.get(item);
    const last = this.#items.pop() as T;
    const key = this.#keys.pop() as number;
    this.#slot.set(item, -1);
    if (last === item) return;
    let gap = at;
    for (let child = this.#firstBelow(gap); child >= 0; child = this.#firstBelow(gap)) {
      this.#move(child, gap);
      gap = child;
    }
    this.#rise(last, key, gap);
  }

  /** In no particular order. */
  items(): readonly T[] {
    return this.#items;
  }

  #rise(item: T, key: number, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isFirst(item, key, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(item, key, at);
  }

  #sink(item: T, key: number, from: number): void {
    let at = from;
    for (let child = this.#firstBelow(at); child >= 0; child = this.#firstBelow(at)) {
      if (this.#isFirst(item, key, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(item, key, at);
  }

  /** The place of the first of the two below; -1: there is none. */
  #firstBelow(at: number): number {
    const left = at * 2 + 1;
    const right = left + 1;
    const { length } = this.#items;
    if (right >= length) return left < length ? left : -1;
    return this.#isFirst(this.#items[right] as T, this.#keys[right] as number, left) ? right : left;
  }

  /** Whether it comes before the one at this place. */
  #isFirst(item: T, key: number, at: number): boolean {
    const other = this.#keys[at] as number;
    return key < other || (key === other && this.#rank.isFirst(item, this.#items[at] as T));
  }

  #move(from: number, to: number): void {
    this.#put(this.#items[from] as T, this.#keys[from] as number, to);
  }

  #put(item: T, key: number, at: number): void {
    this.#items[at] = item;
    this.#keys[at] = key;
    this.#slot.set(item, at);
  }
}
