/** Keys and their values, sorted by key; keys are unique. */
interface Chunk<V> {
  readonly keys: string[];
  readonly values: V[];
}

/** Large enough that the list of chunks stays short (a million entries: some 3,000), small enough that a splice is cheap. */
const chunkSize = 512;

/**
 * A sorted map in chunks: two binary searches find an entry, a splice in a short array adds or removes one. Kept in order
 * for range scans in both directions; scans survive changes made between two steps.
 */
export class SortedEntries<V> {
  readonly #chunks: Chunk<V>[] = [];
  #size = 0;
  #changes = 0;

  get size(): number {
    return this.#size;
  }

  add(key: string, value: V): void {
    this.#changes += 1;
    this.#size += 1;
    let index = this.#chunkAt(key);
    if (index === this.#chunks.length) {
      const last = this.#chunks.at(-1);
      // Keys that only grow (ids, times) fill their chunks: a new one is begun, the full one is not split.
      if (last === undefined || last.keys.length >= chunkSize) {
        this.#chunks.push({ keys: [key], values: [value] });
        return;
      }
      index -= 1;
    }
    const chunk = this.#chunks[index] as Chunk<V>;
    const at = firstNotBelow(chunk.keys, key);
    chunk.keys.splice(at, 0, key);
    chunk.values.splice(at, 0, value);
    if (chunk.keys.length > chunkSize) this.#split(index);
  }

  #split(index: number): void {
    const chunk = this.#chunks[index] as Chunk<V>;
    const half = chunk.keys.length >>> 1;
    this.#chunks.splice(index + 1, 0, { keys: chunk.keys.splice(half), values: chunk.values.splice(half) });
  }

  remove(key: string): void {
    const index = this.#chunkAt(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return;
    const at = firstNotBelow(chunk.keys, key);
    if (chunk.keys[at] !== key) return;
    this.#changes += 1;
    this.#size -= 1;
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    if (chunk.keys.length === 0) this.#chunks.splice(index, 1);
  }

  /** The first chunk whose last key is not below `key`; the number of chunks when there is none. */
  #chunkAt(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { keys } = this.#chunks[middle] as Chunk<V>;
      if ((keys[keys.length - 1] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first entry with low ≤ key < high. */
  first(low: string, high: string): { key: string; value: V } | undefined {
    const chunk = this.#chunks[this.#chunkAt(low)];
    if (chunk === undefined) return undefined;
    const at = firstNotBelow(chunk.keys, low);
    const key = chunk.keys[at] as string;
    return key < high ? { key, value: chunk.values[at] as V } : undefined;
  }

  /** About how many entries lie in low ≤ key < high: exact within a chunk, else to about a chunk. */
  estimate(low: string, high: string): number {
    const from = this.#chunkAt(low);
    const to = this.#chunkAt(high);
    const first = this.#chunks[from];
    if (first === undefined) return 0;
    const before = firstNotBelow(first.keys, low);
    const last = this.#chunks[to];
    const until = last === undefined ? 0 : firstNotBelow(last.keys, high);
    if (from === to) return Math.max(0, until - before);
    return first.keys.length - before + until + (to - from - 1) * (this.#size / this.#chunks.length);
  }

  /** Entries with low ≤ key < high, ascending or (`backwards`) descending. Changes between two steps are allowed. */
  *scan(low: string, high: string, backwards = false): Generator<{ key: string; value: V }> {
    let from = low;
    let until = high;
    for (;;) {
      const changes = this.#changes;
      let place = this.#seek(backwards ? until : from, backwards);
      let lastKey: string | undefined;
      for (; place !== undefined && this.#changes === changes; place = this.#next(place, backwards)) {
        const chunk = this.#chunks[place.chunk] as Chunk<V>;
        const key = chunk.keys[place.at] as string;
        if (backwards ? key < from : key >= until) return;
        lastKey = key;
        yield { key, value: chunk.values[place.at] as V };
      }
      if (place === undefined && this.#changes === changes) return;
      if (lastKey === undefined) continue;
      // Changed while the caller had the entry: go on from the key, which may or may not still be there.
      if (backwards) until = lastKey;
      else from = `${lastKey}\0`;
    }
  }

  #seek(key: string, backwards: boolean): { chunk: number; at: number } | undefined {
    const chunk = this.#chunkAt(key);
    const found = this.#chunks[chunk];
    const at = found === undefined ? 0 : firstNotBelow(found.keys, key);
    const place = { chunk, at };
    if (backwards) return this.#next(place, true);
    return found === undefined ? undefined : place;
  }

  #next(place: { chunk: number; at: number }, backwards: boolean): { chunk: number; at: number } | undefined {
    const { chunk, at } = place;
    if (backwards) {
      if (at > 0) return { chunk, at: at - 1 };
      const previous = this.#chunks[chunk - 1];
      return previous === undefined ? undefined : { chunk: chunk - 1, at: previous.keys.length - 1 };
    }
    if (at + 1 < (this.#chunks[chunk] as Chunk<V>).keys.length) return { chunk, at: at + 1 };
    return chunk + 1 < this.#chunks.length ? { chunk: chunk + 1, at: 0 } : undefined;
  }
}

function firstNotBelow(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
