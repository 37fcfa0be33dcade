import { IndexedHeap, type Rank, type Slot } from '../indexed-heap.ts';
import { comesBefore, rankOf, waitRank, waitSlot, type Task } from '../task.ts';
import type { Shape } from './shape.ts';

/** A tenant's waiting tasks of one shape: when one does not fit, none does. Never empty. */
export interface Bucket {
  readonly shape: Shape;
  readonly tasks: IndexedHeap<Task>;
  /** When its first task was last tried, and since when it has found no room; 0: not yet, and it has. */
  triedMs: number;
  blockedSinceMs: number;
  blockedBy: 'room' | 'limit' | 'group' | 'pace' | null;
  openAt: number;
}

const openSlot: Slot<Bucket> = {
  get: (bucket) => bucket.openAt,
  set: (bucket, at) => {
    bucket.openAt = at;
  },
};

/** By their first tasks. */
const openRank: Rank<Bucket> = {
  key: ({ tasks }) => rankOf(tasks.peek() as Task),
  isFirst: (a, b) => comesBefore(a.tasks.peek() as Task, b.tasks.peek() as Task),
};

/**
 * What a tenant has waiting, in buckets by shape: by priority, then age, over all of them. A bucket that was found not to
 * fit is closed for the rest of a cycle.
 */
export class TenantQueue {
  readonly #buckets = new Map<Shape, Bucket>();
  readonly #open = new IndexedHeap<Bucket>(openRank, openSlot);
  #closed: Bucket[] = [];
  /** Tasks in it. */
  size = 0;

  add(task: Task): void {
    let bucket = this.#buckets.get(task.shape);
    if (bucket === undefined) {
      const tasks = new IndexedHeap<Task>(waitRank, waitSlot);
      bucket = { shape: task.shape, tasks, triedMs: 0, blockedSinceMs: 0, blockedBy: null, openAt: -1 };
      this.#buckets.set(task.shape, bucket);
      bucket.tasks.push(task);
      this.#open.push(bucket);
    } else {
      bucket.tasks.push(task);
      if (bucket.openAt >= 0) this.#open.update(bucket);
    }
    this.size += 1;
  }

  remove(task: Task): void {
    const bucket = this.#buckets.get(task.shape);
    if (bucket === undefined) return;
    bucket.tasks.remove(task);
    this.size -= 1;
    if (bucket.tasks.size > 0) {
      if (bucket.openAt >= 0) this.#open.update(bucket);
      return;
    }
    this.#buckets.delete(task.shape);
    if (bucket.openAt >= 0) this.#open.remove(bucket);
  }

  /** The open bucket whose first task is next. */
  peek(): Bucket | undefined {
    return this.#open.peek();
  }

  close(bucket: Bucket): void {
    this.#open.remove(bucket);
    this.#closed.push(bucket);
  }

  /** Ends a cycle. */
  reopen(): void {
    for (const bucket of this.#closed) this.#open.push(bucket);
    this.#closed = [];
  }

  bucketOf(shape: Shape): Bucket | undefined {
    return this.#buckets.get(shape);
  }

  buckets(): IterableIterator<Bucket> {
    return this.#buckets.values();
  }
}
