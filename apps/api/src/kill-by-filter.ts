import {
  killLimit,
  liveStates,
  type KillByFilterAnswer,
  type KillDryRunAnswer,
  type KillRequest,
  type TaskId,
  type TaskState,
} from '@juice/contracts';
import type { Hints } from './hints.ts';
import { takenKills, type KillManyStore } from './kill-tasks.ts';
import { filterOf, type Page, type PageQuery } from './list-tasks.ts';
import { refuse, type Refusal } from './refusal.ts';

export interface ChosenTask {
  readonly _id: TaskId;
  readonly taskName: string;
  readonly status: TaskState;
}

/** The part of the task store that killing by a filter needs; every method throws DependencyFailure. */
export interface ChooseStore extends KillManyStore {
  chooseTasks(tenantId: string, query: PageQuery): Promise<Page<ChosenTask>>;
  /** How many match among those that are looked at in one go, and where to go on. */
  countTasks(
    tenantId: string,
    query: Omit<PageQuery, 'limit'>,
  ): Promise<{ readonly count: number; readonly next: TaskId | null }>;
}

/**
 * Asks for the end of the tasks that match and have not ended, the newest first; or says which they would be. Tasks whose
 * kill was asked for before are left out, so that repeating the request gets on. When it resolves the requests are stored;
 * when it throws DependencyFailure some may be, and the same request goes on with the others.
 */
export type KillByFilter = (
  tenantId: string,
  request: KillRequest,
) => Promise<{ readonly ok: true; readonly answer: KillByFilterAnswer | KillDryRunAnswer } | Refusal>;

/** One write, and one message to the scheduler. */
const killedAtOnce = 500;
const sampleSize = 20;
/** How often the store is asked in vain, or to count: with its window of 10,000 tasks, some tenths of a second. */
const mostLooks = 10;

type Asked = Pick<PageQuery, 'filter' | 'unkilled'>;

export function createKillByFilter(deps: {
  tasks: ChooseStore;
  hints: Pick<Hints, 'killRequested'>;
  now: () => number;
}): KillByFilter {
  const { tasks, hints, now } = deps;

  /** Goes through the tasks that match; how far it came: null, to the end. `visit` says how many it has done something to. */
  async function walk(
    of: { readonly tenantId: string; readonly asked: Asked; readonly from: TaskId | null; readonly limit: number },
    visit: (chosen: readonly ChosenTask[]) => number | Promise<number>,
  ): Promise<TaskId | null> {
    let before = of.from;
    let left = of.limit;
    for (let looks = mostLooks + Math.ceil(of.limit / killedAtOnce); looks > 0 && left > 0; looks -= 1) {
      const limit = Math.min(killedAtOnce, left);
      const page = await tasks.chooseTasks(of.tenantId, { ...of.asked, before, limit });
      left -= await visit(page.tasks);
      before = page.next;
      if (before === null) break;
    }
    return before;
  }

  async function count(tenantId: string, asked: Asked, from: TaskId | null) {
    let found = 0;
    let before = from;
    for (let looks = 0; looks < mostLooks; looks += 1) {
      const counted = await tasks.countTasks(tenantId, { ...asked, before });
      found += counted.count;
      before = counted.next;
      if (before === null) break;
    }
    return { found, next: before };
  }

  async function tell(tenantId: string, asked: Asked, from: TaskId | null): Promise<KillDryRunAnswer> {
    const sample: ChosenTask[] = [];
    await walk({ tenantId, asked, from, limit: sampleSize }, (chosen) => {
      sample.push(...chosen);
      return chosen.length;
    });
    const { found, next } = await count(tenantId, asked, from);
    return {
      dryRun: true,
      matched: found,
      isComplete: next === null,
      sample: sample.map(viewChosen),
      ...(next !== null && { nextCursor: String(next) }),
    };
  }

  async function kill(tenantId: string, asked: Asked, of: { from: TaskId | null; limit: number }) {
    const sample: ChosenTask[] = [];
    let killed = 0;
    const next = await walk({ tenantId, asked, ...of }, async (chosen) => {
      const outcomes = await tasks.requestKills(
        tenantId,
        chosen.map(({ _id }) => _id),
        now(),
      );
      const taken = new Set(takenKills(outcomes));
      hints.killRequested([...taken]);
      killed += taken.size;
      if (sample.length < sampleSize) sample.push(...chosen.filter(({ _id }) => taken.has(_id)));
      return taken.size;
    });
    const rest = next === null ? { found: 0, next: null } : await count(tenantId, asked, next);
    const isOver = rest.next === null && rest.found === 0;
    return {
      dryRun: false,
      killed,
      remaining: rest.found,
      isComplete: rest.next === null,
      sample: sample.slice(0, sampleSize).map(viewChosen),
      ...(!isOver && { nextCursor: String(next) }),
    } satisfies KillByFilterAnswer;
  }

  return async (tenantId, { filter, dryRun = false, limit = killLimit.default, cursor = null }) => {
    const states = (filter.status ?? liveStates).filter((state) => liveStates.includes(state));
    if (states.length === 0) return nothingToKill();
    const asked = { filter: { ...filterOf(filter), states }, unkilled: true };
    const answer = dryRun ? await tell(tenantId, asked, cursor) : await kill(tenantId, asked, { from: cursor, limit });
    return { ok: true, answer };
  };
}

function viewChosen({ _id, taskName, status }: ChosenTask) {
  return { taskId: _id, taskIdStr: String(_id), taskName, taskStatus: status };
}

function nothingToKill(): Refusal {
  const message = 'filter.status must name a status of tasks that have not ended: waiting, live, or one of theirs';
  return refuse('invalid', { member: 'filter.status', code: 'OBJECT_NOT_EQUAL', message });
}
