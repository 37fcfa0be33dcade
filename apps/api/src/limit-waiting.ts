import { createShortMemory } from '@juice/persistence';
import { refuse, type Refusal } from './refusal.ts';
import { refuseIntake } from './switch-watch.ts';
import type { RulesOf } from './tenant-rules.ts';

export interface WaitingStore {
  /** How many of a tenant's tasks wait to be launched, counted up to `most`. Throws DependencyFailure. */
  countWaiting(tenantId: string, most: number): Promise<number>;
}

/**
 * Room for so many more tasks of a tenant, or why there is none: then not one of them is to be stored. Throws
 * DependencyFailure.
 *
 * It counts what is stored, once a second, and on top of that what it has admitted since: one process keeps a limit but for
 * what is being written at the moment of counting, and what several admit at the same time is met with at the next.
 */
export type AdmitTasks = (tenantId: string, count: number) => Promise<Refusal | null>;

const countedForMs = 1_000;
const mostKept = 10_000;

export function createAdmitTasks(deps: {
  tasks: WaitingStore;
  rulesOf: RulesOf;
  /** The operator's reason why nothing is taken in; null: it is. */
  intakeStop: () => string | null;
  monotonicMs: () => number;
}): AdmitTasks {
  const counts = createShortMemory({
    async load(tenantId) {
      const { mostWaiting } = await deps.rulesOf(tenantId);
      return { waiting: mostWaiting === null ? 0 : await deps.tasks.countWaiting(tenantId, mostWaiting + 1) };
    },
    keepMs: countedForMs,
    most: mostKept,
    monotonicMs: deps.monotonicMs,
  });

  return async (tenantId, count) => {
    const stop = deps.intakeStop();
    if (stop !== null) return refuseIntake(stop);
    const { mostWaiting: limit } = await deps.rulesOf(tenantId);
    if (limit === null) return null;
    const counted = await counts.recall(tenantId);
    if (counted.waiting + count <= limit) {
      counted.waiting += count;
      return null;
    }
    const has = counted.waiting > limit ? `more than ${limit}` : String(counted.waiting);
    const message = `the tenant may have ${limit} tasks waiting and has ${has}: ${count} more must wait until some are launched; nothing was stored`;
    return refuse('too-many', { member: 'quotas.waiting', code: 'LIMIT_REACHED', message, value: String(limit) });
  };
}
