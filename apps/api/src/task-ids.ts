import { InvariantBroken, taskIdEpochMs, type TaskId } from '@juice/contracts';

/** Worker numbers are 10 bits, the sequence within a millisecond 12 (Twitter's snowflake, as the original has it). */
export const workerNumbers = 1024;
const sequences = 4096;

/**
 * Makes task ids that rise: `ms since the ids' epoch << 22 | worker << 12 | sequence`.
 *
 * A clock that steps back is not followed: the last instant goes on being used until the clock has passed it again, and
 * when its 4,096 ids are used up the next millisecond is begun early. So within a process no id is made twice, whatever
 * the clock does; between processes the worker number keeps them apart, and the store's unique `_id` is the last guard.
 */
export function createTaskIdSource(deps: { now: () => number }): (worker: number) => TaskId {
  let lastMs = 0;
  let sequence = 0;
  return (worker) => {
    if (!Number.isInteger(worker) || worker < 0 || worker >= workerNumbers) {
      throw new InvariantBroken(`worker number ${worker} is not one of 0 … ${workerNumbers - 1}`);
    }
    const nowMs = Math.floor(deps.now());
    if (nowMs > lastMs) {
      lastMs = nowMs;
      sequence = 0;
    } else {
      sequence += 1;
      if (sequence === sequences) {
        lastMs += 1;
        sequence = 0;
      }
    }
    return ((BigInt(lastMs - taskIdEpochMs) << 22n) | (BigInt(worker) << 12n) | BigInt(sequence)) as TaskId;
  };
}
