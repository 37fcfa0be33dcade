import { DependencyFailure, isEndState, type LogStream, type TaskId } from '@juice/contracts';
import type { FindStore, FoundAttempt, FoundTask } from './find-tasks.ts';
import { refuse, type Refusal } from './refusal.ts';
import { unknownTask } from './rerun-task.ts';

/** The files of sandboxes, from the agents that have them; `@juice/mesos` provides it. */
export interface SandboxFiles {
  /** Its size now; null: there is no such file (yet, or any more). Throws DependencyFailure. */
  size(of: Sandbox, file: LogStream, signal: AbortSignal): Promise<number | null>;
  /** Some of the bytes from a place on, none at the end; null as above. Throws DependencyFailure. */
  read(
    of: Sandbox,
    file: LogStream,
    piece: { readonly offset: number; readonly length: number },
    signal: AbortSignal,
  ): Promise<Buffer | null>;
}

export type Sandbox = Pick<FoundAttempt, 'mesosTaskId' | 'frameworkId' | 'agentHost' | 'agentPort'>;

export interface LogWish {
  readonly tenantId: string;
  readonly taskId: TaskId;
  readonly stream: LogStream;
  /** undefined: the last one. */
  readonly attempt?: number | undefined;
  /** Negative: so many of the last bytes. */
  readonly offset: number;
  /** undefined: all that there are. */
  readonly length?: number | undefined;
  readonly follow: boolean;
}

export interface OpenLog {
  readonly attempt: number;
  /** The first byte that is answered, and how many there were when it was opened. */
  readonly offset: number;
  readonly size: number;
  /** How many bytes are answered; null: it is not known, for it is followed. */
  readonly length: number | null;
  /** The bytes, as they come. Throws DependencyFailure when the agent leaves in between. */
  readonly pieces: AsyncIterable<Buffer>;
}

/** What a task's attempt has written, from its agent. Throws DependencyFailure when the store fails. */
export type ReadLog = (
  wish: LogWish,
  signal: AbortSignal,
) => Promise<{ readonly ok: true; readonly log: OpenLog } | Refusal>;

/** As much as an agent answers at once. */
const pieceBytes = 65_536;
/** Between two looks at what has been written since: an agent must be able to bear hundreds who follow. */
const lookEveryMs = 1_000;

export function createReadLog(deps: {
  tasks: FindStore;
  files: SandboxFiles;
  /** Resolves after a time, or at once when the signal is aborted; never rejects. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}): ReadLog {
  const { tasks, files, wait } = deps;

  async function find({ tenantId, taskId }: LogWish): Promise<FoundTask | undefined> {
    return (await tasks.findTasks(tenantId, [taskId]))[0];
  }

  async function* pieces(wish: LogWish, attempt: FoundAttempt, from: number, most: number, signal: AbortSignal) {
    let offset = from;
    let left = most;
    for (let hasEnded = !wish.follow; ;) {
      while (left > 0) {
        const piece = { offset, length: Math.min(left, pieceBytes) };
        const bytes = await files.read(attempt, wish.stream, piece, signal);
        if (bytes === null) throw removed(attempt);
        if (bytes.length === 0) break;
        offset += bytes.length;
        left -= bytes.length;
        yield bytes;
      }
      if (hasEnded || left === 0) return;
      await wait(lookEveryMs, signal);
      if (signal.aborted) return;
      // Asked before the last look: what was written until the end is read after it.
      const now = (await find(wish))?.attempts.find(({ n }) => n === attempt.n);
      hasEnded = now === undefined || now.endedAt !== undefined;
    }
  }

  return async (wish, signal) => {
    const { taskId, stream } = wish;
    const task = await find(wish);
    if (task === undefined) return unknownTask(taskId);
    const attempt = wish.attempt === undefined ? task.attempts.at(-1) : task.attempts.find(isNumber(wish.attempt));
    if (attempt === undefined) return noAttempt(task, wish.attempt);
    let size: number | null;
    try {
      size = await files.size(attempt, stream, signal);
    } catch (error: unknown) {
      if (!(error instanceof DependencyFailure)) throw error;
      return agentFailed(attempt, error);
    }
    if (size === null) return attempt.endedAt === undefined ? notYet(attempt, stream) : gone(attempt, stream);
    const offset = wish.offset < 0 ? Math.max(0, size + wish.offset) : wish.offset;
    const there = Math.max(0, size - offset);
    const most = wish.follow ? (wish.length ?? Infinity) : Math.min(wish.length ?? Infinity, there);
    const length = wish.follow ? null : most;
    const log = { attempt: attempt.n, offset, size, length, pieces: pieces(wish, attempt, offset, most, signal) };
    return { ok: true, log };
  };
}

function isNumber(n: number): (attempt: FoundAttempt) => boolean {
  return (attempt) => attempt.n === n;
}

function noAttempt({ status, attempts }: FoundTask, n: number | undefined): Refusal {
  if (n === undefined) {
    const never = 'the task ended without having been launched: it has written nothing';
    const notYet = 'the task has not been launched yet: /why tells why it waits';
    const message = isEndState(status) ? never : notYet;
    return refuse('not-found', { member: 'taskId', code: 'NO_RECORD', message });
  }
  const which = attempts.length === 0 ? 'there is none yet' : `there are 1 to ${attempts.length}`;
  const message = `attempt must be the number of one of the task's attempts, not ${n}: ${which}`;
  return refuse('not-found', { member: 'attempt', code: 'NO_RECORD', message, value: String(n) });
}

function notYet({ n, agentHost }: FoundAttempt, stream: LogStream): Refusal {
  const message = `attempt ${n} has no ${stream} on ${agentHost} yet: it is still being started; try again shortly`;
  return refuse('not-found', { member: 'stream', code: 'NO_RECORD', message });
}

function gone({ n, agentHost }: FoundAttempt, stream: LogStream): Refusal {
  const message =
    `the ${stream} of attempt ${n} is no more on ${agentHost}: an agent removes what tasks have left behind ` +
    'after some days, and sooner when its disk is full; an attempt that could not be started never had any';
  return refuse('gone', { member: 'stream', code: 'NO_RECORD', message });
}

/** Nothing of the agent's address but its host is told: it is the operator's. */
function agentFailed({ n, agentHost }: FoundAttempt, { retryable }: DependencyFailure): Refusal {
  const why = retryable ? 'does not answer; try again later' : 'refuses to show it: the operator has to look';
  const message = `attempt ${n} was on ${agentHost}, which ${why}`;
  return refuse('unavailable', { member: 'agent', code: 'DATA_ACCESS', message });
}

function removed({ agentHost }: FoundAttempt): DependencyFailure {
  const detail = `${agentHost} removed the file while it was read`;
  return new DependencyFailure({ dependency: 'mesos-agent', operation: 'read a log', retryable: false, detail });
}
