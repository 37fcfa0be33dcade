/** What is due when, earliest first; equal instants in the order they were added. A binary heap: O(log n) per step. */
export interface TimerQueue<T> {
  add(atMs: number, timer: T): void;
  nextAtMs(): number | null;
  /** Takes the earliest one if it is due. Nothing is ever cancelled: whoever takes it checks that it still means something. */
  takeDue(nowMs: number): T | null;
}

interface Entry<T> {
  readonly atMs: number;
  readonly order: number;
  readonly timer: T;
}

export function createTimerQueue<T>(): TimerQueue<T> {
  const heap: Entry<T>[] = [];
  let added = 0;
  const before = (a: Entry<T>, b: Entry<T>): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  function rise(entry: Entry<T>): void {
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !before(entry, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  function sink(entry: Entry<T>): void {
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const child = right !== undefined && left !== undefined && before(right, left) ? right : left;
      if (child === undefined || before(entry, child)) break;
      heap[index] = child;
      index = 2 * index + (child === right ? 2 : 1);
    }
    heap[index] = entry;
  }

  return {
    add: (atMs, timer) => rise({ atMs, order: added++, timer }),
    nextAtMs: () => heap[0]?.atMs ?? null,
    takeDue(nowMs) {
      const first = heap[0];
      if (first === undefined || first.atMs > nowMs) return null;
      const last = heap.pop();
      if (last !== undefined && last !== first) sink(last);
      return first.timer;
    },
  };
}
