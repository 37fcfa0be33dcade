/** The status numbers of the original API; a tenant reads them as `taskStatus` and, by name, as a callback's `result`. */
export const TaskState = {
  NOT_START: -1,
  STAGING: 0,
  RUNNING: 1,
  FINISHED: 2,
  FAILED: 3,
  LOST: 4,
  ERROR: 5,
  KILLED: 6,
  UNREACHABLE: 7,
  DROPPED: 8,
  GONE: 9,
  GONE_BY_OPERATOR: 10,
  UNKNOWN: 11,
  EXPIRED: 12,
} as const;

export type TaskStateName = keyof typeof TaskState;
export type TaskState = (typeof TaskState)[TaskStateName];

const names = new Map<number, TaskStateName>(
  (Object.entries(TaskState) as [TaskStateName, TaskState][]).map(([name, state]) => [state, name]),
);

export function taskStateName(state: TaskState): TaskStateName {
  return names.get(state) ?? 'UNKNOWN';
}

/** Whether a task in this state has ended for good. UNREACHABLE has not: its agent may come back. */
export function isEndState(state: TaskState): boolean {
  return state > TaskState.RUNNING && state !== TaskState.UNREACHABLE;
}

/** Every state in which a task still needs the scheduler: waiting, or with a live attempt. */
export const liveStates: readonly TaskState[] = [
  TaskState.NOT_START,
  TaskState.STAGING,
  TaskState.RUNNING,
  TaskState.UNREACHABLE,
];

/** What stands for several states at once where tasks are chosen by their status. */
export const stateGroups = {
  waiting: [TaskState.NOT_START],
  live: liveStates,
  ended: Object.values(TaskState).filter(isEndState),
} as const;

/** The states that a word stands for: a name in whatever case, a number, or a group; null when it is none of these. */
export function statesNamed(word: string | number): readonly TaskState[] | null {
  const text = String(word).trim();
  const group = Object.entries(stateGroups).find(([name]) => name === text.toLowerCase());
  if (group !== undefined) return group[1];
  const named = Object.entries(TaskState).find(
    ([name, state]) => name === text.toUpperCase() || String(state) === text,
  );
  return named === undefined ? null : [named[1]];
}
