import { isEndState, TaskState } from '@juice/contracts';

/** One task that was accepted. */
export interface Accepted {
  readonly taskIdStr: string;
  /** What its callback's path ends in. */
  readonly mark: string;
  /** When its request was sent. */
  readonly sentAtMs: number;
}

/** A state that a task came to, and when. */
export interface LoggedState {
  readonly taskIdStr: string;
  readonly taskStatus: TaskState;
  readonly at: string;
}

/** What became of accepted tasks. */
export interface TaskAccount {
  readonly accepted: number;
  /** Told by the event log: ended once, as FINISHED. */
  readonly finishedOnce: number;
  /** Told by the receiver. */
  readonly calledBackOnce: number;
  /** Callbacks for no accepted task. */
  readonly strange: number;
  readonly isRight: boolean;
  /** From the request to the launch's record, which precedes the call that asks the master for it. */
  readonly toLaunchedMs: readonly number[];
  /** From the request to word from the agent that the task runs. */
  readonly toRunningMs: readonly number[];
}

/** Holds the accepted tasks against the events of the log and the callbacks that arrived. */
export function settleTasks(
  accepted: readonly Accepted[],
  events: readonly LoggedState[],
  marks: readonly string[],
): TaskAccount {
  const ofTask = new Map<string, LoggedState[]>();
  for (const event of events) {
    const own = ofTask.get(event.taskIdStr);
    if (own === undefined) ofTask.set(event.taskIdStr, [event]);
    else own.push(event);
  }
  const calls = new Map<string, number>();
  for (const mark of marks) calls.set(mark, (calls.get(mark) ?? 0) + 1);
  const toLaunchedMs: number[] = [];
  const toRunningMs: number[] = [];
  let [finishedOnce, calledBackOnce] = [0, 0];
  for (const { taskIdStr, mark, sentAtMs } of accepted) {
    const own = ofTask.get(taskIdStr) ?? [];
    const ends = own.filter(({ taskStatus }) => isEndState(taskStatus));
    if (ends.length === 1 && ends[0]?.taskStatus === TaskState.FINISHED) finishedOnce += 1;
    if (calls.get(mark) === 1) calledBackOnce += 1;
    const since = (state: TaskState): number[] =>
      own.filter(({ taskStatus }) => taskStatus === state).map(({ at }) => Date.parse(at) - sentAtMs);
    toLaunchedMs.push(...since(TaskState.STAGING).slice(0, 1));
    toRunningMs.push(...since(TaskState.RUNNING).slice(0, 1));
  }
  const known = new Set(accepted.map(({ mark }) => mark));
  const strange = marks.filter((mark) => !known.has(mark)).length;
  const isRight = finishedOnce === accepted.length && calledBackOnce === accepted.length && strange === 0;
  return {
    ...{ accepted: accepted.length, finishedOnce, calledBackOnce, strange, isRight },
    ...{ toLaunchedMs, toRunningMs },
  };
}
