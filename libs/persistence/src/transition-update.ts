import { isEndState, TaskState, type TaskTransition } from '@juice/contracts';

/**
 * What one transition writes, as the operators of one update. The guard has made sure of `seq`, so counters are set, not
 * incremented, and the present attempt's place in `attempts` is known.
 *
 * Always: status, message, reason, seq = expectSeq + 1, an entry in `history` (the last 50 are kept) and in `outbox`.
 *
 * | change      | attempts                                                             | the task                                     |
 * |-------------|----------------------------------------------------------------------|----------------------------------------------|
 * | none        | –                                                                    | –                                            |
 * | launch      | push {n, ids, agent, launchedAt, state: launching}                   | attempt = n, launchedAt; notBefore removed   |
 * | run         | state running, startedAt (the earliest stays)                        | startedAt (the earliest stays)               |
 * | unreachable | state unreachable                                                    | –                                            |
 * | preempt     | preempted                                                            | –                                            |
 * | quarantine  | quarantined                                                          | –                                            |
 * | end         | state = Mesos' name, endedAt, reason, message, exitCode, free        | –                                            |
 *
 * | and when                  | also                                                                                  |
 * |---------------------------|---------------------------------------------------------------------------------------|
 * | it is a requeue           | countedFailures, freeFailures; notBefore set, or removed when it is 0                 |
 * | it is called back         | push to callback.pending, callback.dueAt lowered to now; nothing else of the lane     |
 * | the status is an end      | finishAt; killPendingAt removed; purgeAt unless it is called back (then settling does) |
 */
export function updateOf(transition: Written, retentionMs: number): Update {
  const at = new Date(transition.atMs);
  const write: Update = {
    $set: {
      status: transition.status,
      message: transition.message,
      reason: transition.reason,
      seq: transition.expectSeq + 1,
    },
    $unset: {},
    $push: {},
    $min: {},
  };
  addEvent(write, transition, at);
  addAttempt(write, transition, at);
  const { requeue } = transition;
  if (requeue !== null) {
    Object.assign(write.$set, { countedFailures: requeue.countedFailures, freeFailures: requeue.freeFailures });
    if (requeue.notBeforeMs > 0) write.$set['notBefore'] = new Date(requeue.notBeforeMs);
    else write.$unset['notBefore'] = '';
  }
  if (isEndState(transition.status)) {
    write.$set['finishAt'] = at;
    write.$unset['killPendingAt'] = '';
    if (!transition.callback) write.$set['purgeAt'] = new Date(transition.atMs + retentionMs);
  }
  return write;
}

/** What is written of a transition: all but whom it is for and its guard. */
type Written = Omit<TaskTransition, 'taskId' | 'tenantId' | 'unlessKillRequested'>;

/** Operators of an update; empty ones are left out by `operators`. */
export interface Update {
  readonly $set: Record<string, unknown>;
  readonly $unset: Record<string, ''>;
  readonly $push: Record<string, unknown>;
  readonly $min: Record<string, unknown>;
}

/** The update as the server wants it: no operator without fields. */
export function operators(update: Update): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries<Record<string, unknown>>({ ...update }).filter(([, fields]) => Object.keys(fields).length > 0),
  );
}

/** The end of a task that was killed while it waited: written by the api, under the same rules. */
export function killUpdate(
  task: { readonly seq: number; readonly callback: boolean },
  atMs: number,
  retentionMs: number,
): Update {
  const update = updateOf(
    {
      expectSeq: task.seq,
      atMs,
      status: TaskState.KILLED,
      message: 'task is killed',
      reason: null,
      attempt: 0,
      change: { kind: 'none' },
      callback: task.callback,
      requeue: null,
    },
    retentionMs,
  );
  update.$set['killRequestedAt'] = new Date(atMs);
  update.$unset['notBefore'] = '';
  // The scheduler judges by the frame's stamp whether a write of its own applied: this one is not its own.
  update.$unset['frame'] = '';
  return update;
}

const keptHistory = 50;

function addEvent(update: Update, transition: Written, at: Date): void {
  const { status, attempt, message, reason, callback, change, expectSeq } = transition;
  const event = { seq: expectSeq + 1, status, at, attempt, message, reason };
  update.$push['history'] = { $each: [event], $slice: -keptHistory };
  update.$push['outbox'] = { ...event, callback };
  update.$set['outboxAt'] = at;
  if (!callback) return;
  update.$push['callback.pending'] = { ...event, exitCode: change.kind === 'end' ? change.exitCode : null };
  update.$min['callback.dueAt'] = at;
}

function addAttempt(update: Update, transition: Written, at: Date): void {
  const { change, attempt } = transition;
  const place = `attempts.${attempt - 1}`;
  switch (change.kind) {
    case 'none':
      return;
    case 'launch': {
      const { kind: _, ...launched } = change;
      update.$push['attempts'] = { n: attempt, ...launched, launchedAt: at, state: 'launching' };
      Object.assign(update.$set, { attempt, launchedAt: at });
      update.$unset['notBefore'] = '';
      return;
    }
    case 'run':
      update.$set[`${place}.state`] = 'running';
      update.$min[`${place}.startedAt`] = at;
      update.$min['startedAt'] = at;
      return;
    case 'unreachable':
      update.$set[`${place}.state`] = 'unreachable';
      return;
    case 'preempt':
      update.$set[`${place}.preempted`] = true;
      return;
    case 'quarantine':
      update.$set[`${place}.quarantined`] = true;
      return;
    case 'end':
      update.$set[`${place}.state`] = change.mesosState;
      update.$set[`${place}.endedAt`] = at;
      update.$set[`${place}.reason`] = transition.reason;
      update.$set[`${place}.message`] = transition.message;
      update.$set[`${place}.exitCode`] = change.exitCode;
      update.$set[`${place}.free`] = change.free;
      return;
    default:
      change satisfies never;
  }
}
