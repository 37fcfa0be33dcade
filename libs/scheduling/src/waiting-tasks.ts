import type { SchedulableTask, TaskId } from '@juice/contracts';
import { Heap } from './heap.ts';

/** Tasks of one shape (same resources, constraints and role): when one does not fit an offer, none does. */
export interface Bucket extends Shaped {
  readonly queue: Heap<Entry>;
}

/** What a task's shape is made of. */
type Shaped = Pick<SchedulableTask, 'needs' | 'constraints' | 'role'>;

export interface Entry {
  readonly taskId: TaskId;
  /** Its task's when it was queued: of several entries of a task only the last is good. */
  readonly ticket: number;
  readonly priority: number;
  /** Where its last attempt failed, and how long another host is waited for. */
  readonly avoid: { readonly host: string; readonly untilMs: number } | null;
}

/**
 * The tasks that wait to be matched, in buckets by shape; inside a bucket by priority, then age. An entry whose task no
 * longer waits (killed, launched, expired) is thrown away when it comes to the head: `isWaiting` is the judge.
 */
export class WaitingTasks {
  readonly #buckets = new Map<string, Bucket>();

  add(entry: Entry, shape: string, { needs, constraints, role }: Shaped): void {
    let bucket = this.#buckets.get(shape);
    if (bucket === undefined) {
      bucket = { needs, constraints, role, queue: new Heap(comesBefore) };
      this.#buckets.set(shape, bucket);
    }
    bucket.queue.push(entry);
  }

  /** The buckets that still hold a waiting task; stale heads and empty buckets are dropped on the way. */
  buckets(isWaiting: (entry: Entry) => boolean): Bucket[] {
    const filled: Bucket[] = [];
    for (const [shape, bucket] of this.#buckets) {
      dropStaleHeads(bucket, isWaiting);
      if (bucket.queue.size === 0) this.#buckets.delete(shape);
      else filled.push(bucket);
    }
    return filled;
  }
}

export function dropStaleHeads(bucket: Bucket, isWaiting: (entry: Entry) => boolean): void {
  for (let head = bucket.queue.peek(); head !== undefined && !isWaiting(head); head = bucket.queue.peek()) {
    bucket.queue.pop();
  }
}

/** Higher priority first, then the older task: ids grow with time. */
export function comesBefore(a: Entry, b: Entry): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.taskId < b.taskId);
}

export function shapeOf({ needs, constraints, role }: Shaped): string {
  const { cpuMillis, memMb, diskMb, gpus, ports } = needs;
  const resources = `${cpuMillis}/${memMb}/${diskMb}/${gpus}/${ports}`;
  if (constraints.length === 0 && role === '*') return resources;
  return `${resources}|${JSON.stringify([role, constraints])}`;
}
