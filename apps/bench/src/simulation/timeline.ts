/** What is going to happen, earliest first; of one instant in the order in which it was foreseen. */
export class Timeline<T> {
  readonly #heap: { readonly atMs: number; readonly order: number; readonly what: T }[] = [];
  #added = 0;

  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  add(atMs: number, what: T): void {
    const heap = this.#heap;
    const entry = { atMs, order: this.#added++, what };
    let at = heap.length;
    for (let parent = (at - 1) >> 1; at > 0 && atMs < (heap[parent]?.atMs ?? 0); parent = (at - 1) >> 1) {
      heap[at] = heap[parent] as typeof entry;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Everything that is due. */
  take(nowMs: number): T[] {
    const due: T[] = [];
    while (this.nextMs <= nowMs) due.push(this.#pop());
    return due;
  }

  #pop(): T {
    const heap = this.#heap;
    const first = heap[0] as (typeof heap)[number];
    const last = heap.pop() as (typeof heap)[number];
    if (last === first) return first.what;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isBefore(child + 1, heap[child] as typeof last)) child += 1;
      if (!this.#isBefore(child, last)) break;
      heap[at] = heap[child] as typeof last;
      at = child;
    }
    heap[at] = last;
    return first.what;
  }

  #isBefore(at: number, other: { readonly atMs: number; readonly order: number }): boolean {
    const entry = this.#heap[at] as { readonly atMs: number; readonly order: number };
    return entry.atMs < other.atMs || (entry.atMs === other.atMs && entry.order < other.order);
  }
}
