import { deadlineOf, type Task } from './task.ts';

/**
 * Waiting tasks by the second at which they expire. Putting one in and taking it out costs the same however many there are:
 * each waiting task is in here, and hardly any ever expires. A deadline must not change while its task is in.
 */
export class Deadlines {
  readonly #seconds = new Map<number, Task[]>();
  /** Nothing expires before. */
  #earliest = Infinity;

  add(task: Task): void {
    const second = secondOf(task);
    this.#earliest = Math.min(this.#earliest, second);
    const tasks = this.#seconds.get(second);
    if (tasks === undefined) this.#seconds.set(second, [task]);
    task.expiryAt = (tasks?.push(task) ?? 1) - 1;
  }

  remove(task: Task): void {
    const second = secondOf(task);
    const tasks = this.#seconds.get(second) as Task[];
    const last = tasks.pop() as Task;
    if (last !== task) {
      tasks[task.expiryAt] = last;
      last.expiryAt = task.expiryAt;
    }
    if (tasks.length === 0) this.#seconds.delete(second);
    task.expiryAt = -1;
  }

  /** The tasks whose deadline is not later than this, in no particular order; they stay in until they are taken out. */
  due(atMs: number): Task[] {
    const now = Math.floor(atMs / 1000);
    if (now < this.#earliest) return [];
    const due: Task[] = [];
    this.#earliest = Infinity;
    for (const [second, tasks] of this.#seconds) {
      this.#earliest = Math.min(this.#earliest, second);
      if (second <= now) due.push(...tasks.filter((task) => deadlineOf(task) <= atMs));
    }
    return due;
  }
}

function secondOf(task: Task): number {
  return Math.floor(deadlineOf(task) / 1000);
}
