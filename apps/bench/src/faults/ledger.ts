import type { TaskId } from '@juice/contracts';

/** What must become of every callback, held against what arrived. */
export interface Ledger {
  /** So many states of this task are stored and to be called back, the last of them its end. */
  expect(taskId: TaskId, endSequence: number): void;
  /** A try arrived, and was answered so. */
  arrived(callback: { readonly taskId: TaskId; readonly sequence: number; readonly id: string }, status: number): void;
  readonly accepted: number;
  readonly refused: number;
  /** Ends that have not been accepted yet. */
  countMissing(): number;
  settle(): Account;
}

export interface Account {
  readonly tasks: number;
  readonly accepted: number;
  readonly refused: number;
  /** Ends that were never accepted. */
  readonly lost: number;
  /** Accepted after a later one of the same task. */
  readonly disordered: number;
  /** Accepted once more: after a crash between an answer and its record, say. */
  readonly repeated: number;
  /** Accepted, and of no task that is known here. */
  readonly strange: number;
}

export function createLedger(): Ledger {
  const ends = new Map<TaskId, number>();
  const latest = new Map<TaskId, number>();
  const seen = new Set<string>();
  const counts = { accepted: 0, refused: 0, disordered: 0, repeated: 0 };

  function countMissing(): number {
    let missing = 0;
    for (const [taskId, sequence] of ends) if ((latest.get(taskId) ?? 0) < sequence) missing += 1;
    return missing;
  }

  return {
    expect: (taskId, endSequence) => void ends.set(taskId, endSequence),
    arrived({ taskId, sequence, id }, status) {
      if (status >= 300) {
        counts.refused += 1;
        return;
      }
      counts.accepted += 1;
      if (seen.has(id)) counts.repeated += 1;
      seen.add(id);
      const before = latest.get(taskId) ?? 0;
      if (sequence < before) counts.disordered += 1;
      latest.set(taskId, Math.max(before, sequence));
    },
    get accepted() {
      return counts.accepted;
    },
    get refused() {
      return counts.refused;
    },
    countMissing,
    settle: () => ({
      ...counts,
      tasks: ends.size,
      lost: countMissing(),
      strange: [...latest.keys()].filter((taskId) => !ends.has(taskId)).length,
    }),
  };
}
