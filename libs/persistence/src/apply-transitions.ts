import type { TaskId, TaskTransition, TransitionOutcome } from '@juice/contracts';
import type { TaskCollection } from './collections.ts';
import { attempt, finalWriteErrors } from './mongo-failure.ts';
import { operators, updateOf } from './transition-update.ts';

/** Who writes: the scheduler's epoch, and a stamp that no other frame of any epoch has. */
export interface Frame {
  readonly epoch: number;
  readonly stamp: string;
}

type Refused = TransitionOutcome['refused'];

/**
 * Writes a frame of transitions, each under its guard (seq, epoch, kill not requested), in one round trip; several of one
 * task apply in the order given, and a miss among them makes the later ones miss too. A task whose write the database
 * refuses for good is left out, with all of its transitions, and the others are written all the same.
 *
 * Throws DependencyFailure when the outcome is unknown. The same frame may then be written again, until it is known: what
 * had applied is recognised by the frame's stamp and counts as applied. `missed` and `refused` name each task once.
 */
export async function applyTransitions(
  tasks: TaskCollection,
  frame: Frame,
  write: { readonly transitions: readonly TaskTransition[]; readonly retentionMs: number },
): Promise<TransitionOutcome> {
  const { retentionMs } = write;
  const refused = new Map<TaskId, string>();
  for (let transitions = write.transitions; transitions.length > 0;) {
    const operations = transitions.map((transition) => ({
      updateOne: { filter: guardOf(frame, transition), update: stamped(frame, transition, retentionMs) },
    }));
    // Only order between writes of one task matters, and a server may take its time to keep one that nobody needs.
    const ordered = new Set(transitions.map(({ taskId }) => taskId)).size < transitions.length;
    const written = await attempt('apply transitions', () => writeAll(tasks, operations, ordered));
    if ('matchedCount' in written) {
      const reasons = [...refused].map(([taskId, detail]) => ({ taskId, detail }));
      if (written.matchedCount === transitions.length) return { missed: [], refused: reasons, fenced: false };
      return attempt('read back transitions', () => readBack(tasks, frame, transitions, reasons));
    }
    for (const { index, detail } of written.errors) {
      const taskId = transitions[index]?.taskId;
      if (taskId !== undefined) refused.set(taskId, detail);
    }
    transitions = transitions.filter(({ taskId }) => !refused.has(taskId));
  }
  return { missed: [], refused: [...refused].map(([taskId, detail]) => ({ taskId, detail })), fenced: false };
}

type Operation = Parameters<TaskCollection['bulkWrite']>[0][number];
type Written = { readonly matchedCount: number } | { readonly errors: readonly { index: number; detail: string }[] };

/** Errors of single writes are an outcome; what befell the whole command is thrown. */
async function writeAll(tasks: TaskCollection, operations: readonly Operation[], ordered: boolean): Promise<Written> {
  try {
    return await tasks.bulkWrite([...operations], { ordered });
  } catch (error: unknown) {
    const errors = finalWriteErrors(error);
    if (errors === null) throw error;
    return { errors };
  }
}

function guardOf({ epoch }: Frame, { taskId, expectSeq, unlessKillRequested }: TaskTransition) {
  return {
    _id: taskId,
    seq: expectSeq,
    epoch: { $lte: epoch },
    ...(unlessKillRequested ? { killRequestedAt: { $exists: false } } : {}),
  };
}

function stamped({ epoch, stamp }: Frame, transition: TaskTransition, retentionMs: number) {
  const update = updateOf(transition, retentionMs);
  Object.assign(update.$set, { epoch, frame: stamp });
  return operators(update);
}

/**
 * A count says how many matched, not which. Seq moves under a stamp by this frame's writes alone (the api removes the stamp
 * when it ends a task), so a document with our stamp and a seq past the expected one has had the transition.
 */
async function readBack(
  tasks: TaskCollection,
  frame: Frame,
  transitions: readonly TaskTransition[],
  refused: Refused,
): Promise<TransitionOutcome> {
  const found = await tasks
    .find({ _id: { $in: transitions.map(({ taskId }) => taskId) } }, { projection: { seq: 1, epoch: 1, frame: 1 } })
    .toArray();
  const present = new Map(found.map((task) => [task._id, task]));
  const missed = new Set<TaskId>();
  for (const { taskId, expectSeq } of transitions) {
    const task = present.get(taskId);
    if (task?.frame !== frame.stamp || task.seq <= expectSeq) missed.add(taskId);
  }
  return { missed: [...missed], refused, fenced: found.some(({ epoch }) => epoch > frame.epoch) };
}
