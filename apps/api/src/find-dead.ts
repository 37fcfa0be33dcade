import {
  deadGroupsLimit,
  describeCause,
  pageLimit,
  taskStateName,
  writeCallbackId,
  type DeadAnswer,
  type DeadCallback,
  type DeadGroupsAnswer,
  type DeadGroupsQuery,
  type DeadQuery,
} from '@juice/contracts';
import type { DeadChoice, DeadLetter, DeadLetters } from '@juice/persistence';
import { tenantMeant, type Asker } from './asker.ts';
import { readPlaceCursor, writePlaceCursor } from './place-cursor.ts';
import type { Refusal } from './refusal.ts';

/** What was given up, one by one or by what it was given up for. Throws DependencyFailure. */
export interface FindDead {
  list(asker: Asker, query: DeadQuery): Promise<{ readonly ok: true; readonly answer: DeadAnswer } | Refusal>;
  groups(asker: Asker, query: DeadGroupsQuery): Promise<{ readonly ok: true; readonly answer: DeadGroupsAnswer }>;
}

export function createFindDead({ deadLetters }: { deadLetters: DeadLetters }): FindDead {
  return {
    async list(asker, { cursor, limit = pageLimit.default, ...conditions }) {
      const after = readPlaceCursor(cursor, /^dead /);
      if (!after.ok) return after;
      const { letters, next } = await deadLetters.findDead(choiceOf(asker, conditions), after.value, limit);
      const answer = { dead: letters.map(viewDead), ...(next !== null && { nextCursor: writePlaceCursor(next) }) };
      return { ok: true, answer };
    },
    async groups(asker, { limit = deadGroupsLimit, ...conditions }) {
      const found = await deadLetters.groupDead(choiceOf(asker, conditions), limit + 1);
      const groups = found.slice(0, limit).map(({ group, tenantId, origin, reason, count, ...facts }) => ({
        ...{ group, tenant: tenantId, endpoint: origin, cause: reason, causeText: describeCause(reason), count },
        firstAt: new Date(facts.firstMs).toISOString(),
        lastAt: new Date(facts.lastMs).toISOString(),
        sample: facts.sample.map(String),
      }));
      return { ok: true, answer: { groups, isComplete: found.length <= limit } };
    },
  };
}

type Conditions = Pick<DeadQuery, 'group' | 'endpoint' | 'cause' | 'since' | 'until' | 'tenant'>;

/** The same for the store. */
export function choiceOf(
  asker: Asker,
  { group, endpoint, cause, since, until, tenant }: Partial<Conditions>,
): DeadChoice {
  return {
    tenantId: tenantMeant(asker, { tenant }),
    ...(group !== undefined && { group }),
    ...(endpoint !== undefined && { origin: endpoint }),
    ...(cause !== undefined && { reason: cause }),
    ...(since !== undefined && { sinceMs: since }),
    ...(until !== undefined && { untilMs: until }),
  };
}

export function viewDead({ taskId, seq, status, reason, ...facts }: DeadLetter): DeadCallback {
  return {
    ...{
      callbackId: writeCallbackId({ taskId, sequence: seq }),
      taskId,
      taskIdStr: String(taskId),
      taskName: facts.taskName,
    },
    ...{ tenant: facts.tenantId, url: facts.url, endpoint: facts.origin },
    ...{ taskStatus: status, taskStatusName: taskStateName(status) },
    ...{ group: facts.group, cause: reason, causeText: describeCause(reason) },
    diedAt: new Date(facts.diedAtMs).toISOString(),
    ...{ tries: facts.tries, pending: facts.pending },
  };
}
