import { describeCause, writeCallbackId, type CallbackId, type ShownCallback, type TaskId } from '@juice/contracts';
import { endpointOf, fingerprintOf, reasonOfCause, replayOfMark, type CalledBackRecord } from '@juice/persistence';
import { refuse, type Refusal } from './refusal.ts';
import { viewLane, viewTry, type CallbackStore } from './show-callbacks.ts';

export interface LaneFinder {
  /** null: there is none, or it is not this tenant's (null: anybody's). Throws DependencyFailure. */
  findLane(tenantId: string | null, taskId: TaskId): Promise<CalledBackRecord | null>;
}

export type TryFinder = Pick<CallbackStore, 'callbackAttempts'>;

/** A callback with all that was tried, for its tenant or (null) for operators. */
export type ShowCallback = (
  tenantId: string | null,
  id: CallbackId,
) => Promise<{ readonly ok: true; readonly answer: ShownCallback } | Refusal>;

/** A schedule is shorter; the rest is at /v1/tasks/{taskId}/callbacks. */
const shownTries = 50;

export function createShowCallback({ lanes, tasks }: { lanes: LaneFinder; tasks: TryFinder }): ShowCallback {
  return async (asked, { taskId, sequence }) => {
    const found = await lanes.findLane(asked, taskId);
    if (found === null) return unknownCallback(taskId, sequence);
    const { tenantId, taskName, callback } = found;
    const tries = await tasks.callbackAttempts(tenantId, taskId, { before: null, limit: shownTries });
    const replayId = replayOf(found);
    const answer = {
      ...{ taskId, taskIdStr: String(taskId), tenant: tenantId, taskName },
      ...(callback !== undefined && { lane: viewLane(callback) }),
      ...deathOf(found),
      ...(replayId !== null && { replayId }),
      tries: tries.filter(({ seq }) => sequence === null || seq === sequence).map(viewTry),
    };
    return { ok: true, answer };
  };
}

/** Why and since when a lane is dead; nothing when it is not. */
export function deathOf({ tenantId, callback }: CalledBackRecord): Pick<ShownCallback, 'dead'> {
  if (callback?.state !== 'dead' || callback.asideAt === undefined) return {};
  const cause = reasonOfCause(callback.cause);
  const group = callback.group ?? fingerprintOf(endpointOf(tenantId, callback.url), cause);
  return { dead: { group, cause, causeText: describeCause(cause), diedAt: callback.asideAt.toISOString() } };
}

/** The replay that has armed a lane last; null: none. */
export function replayOf({ callback }: CalledBackRecord): string | null {
  return replayOfMark(callback?.replay);
}

export function unknownCallback(taskId: TaskId, sequence: number | null): Refusal {
  const value = writeCallbackId({ taskId, sequence });
  const message = `callbackId in the path must be that of a callback, or of a task: there is none with ${value}`;
  return refuse('not-found', { member: 'callbackId', code: 'NO_RECORD', message, value });
}
