import {
  describeCause,
  taskStateName,
  writeCallbackId,
  type CallbackExplanation,
  type CallbackId,
  type EndpointAnswer,
} from '@juice/contracts';
import {
  endpointOf,
  reasonOfCause,
  unknownEndpoint,
  type CalledBackRecord,
  type CallbackLane,
  type EndpointStore,
  type PendingRecord,
} from '@juice/persistence';
import type { Refusal } from './refusal.ts';
import { deathOf, replayOf, unknownCallback, type LaneFinder, type TryFinder } from './show-callback.ts';
import { viewEndpoint } from './view-endpoint.ts';
import { viewTransition } from './view-task.ts';

/** Why a callback is not delivered yet, for its tenant or (null) for operators. Throws DependencyFailure. */
export type ExplainCallback = (
  tenantId: string | null,
  id: CallbackId,
) => Promise<{ readonly ok: true; readonly answer: CallbackExplanation } | Refusal>;

/** What a lane says by itself. */
type Said = Pick<CallbackExplanation, 'why' | 'summary' | 'nextAttemptAt'>;

export function createExplainCallback(deps: {
  lanes: LaneFinder;
  tasks: TryFinder;
  endpoints: Pick<EndpointStore, 'loadEndpoints'>;
  now: () => number;
}): ExplainCallback {
  const { lanes, endpoints, now } = deps;

  async function endpointOfLane(tenantId: string, lane: CallbackLane): Promise<EndpointAnswer> {
    const name = endpointOf(tenantId, lane.url);
    const [found] = await endpoints.loadEndpoints([name]);
    return viewEndpoint(found ?? unknownEndpoint(name), now());
  }

  /** Of a state that is not pending: what became of it. */
  async function settled(found: CalledBackRecord, sequence: number): Promise<Said> {
    if (found.callback?.supersededSeqs?.includes(sequence) === true)
      return { why: 'superseded', summary: `sequence ${sequence} was never delivered: a newer state had overtaken it` };
    const tries = await deps.tasks.callbackAttempts(found.tenantId, found._id, { before: null, limit: 200 });
    const delivery = tries.find(({ seq, outcome }) => seq === sequence && outcome === 'delivered');
    if (delivery === undefined)
      return {
        why: 'nothing-yet',
        summary: `sequence ${sequence} is not to be called back: there is no such state yet, it is none that callbackEvents names, or it is too old to be known`,
      };
    const at = new Date(delivery.startedAtMs + delivery.durationMs).toISOString();
    return { why: 'delivered', summary: `sequence ${sequence} was delivered at ${at}, at try ${delivery.try}` };
  }

  return async (asked, { taskId, sequence }) => {
    const found = await lanes.findLane(asked, taskId);
    if (found === null) return unknownCallback(taskId, sequence);
    const facts = { taskId, taskIdStr: String(taskId), asOf: new Date(now()).toISOString() };
    const lane = found.callback;
    if (lane === undefined)
      return { ok: true, answer: { ...facts, why: 'no-callback', summary: 'the task has no callbackUrl' } };
    const [oldest] = lane.pending;
    const state = sequence === null ? oldest : lane.pending.find(({ seq }) => seq === sequence);
    const callbackId = sequence ?? oldest?.seq;
    const about = {
      ...facts,
      ...(callbackId !== undefined && { callbackId: writeCallbackId({ taskId, sequence: callbackId }) }),
    };
    if (state === undefined || oldest === undefined) {
      const said = sequence === null ? saysNothing(found) : await settled(found, sequence);
      return { ok: true, answer: { ...about, ...said } };
    }
    const endpoint = await endpointOfLane(found.tenantId, lane);
    const replayId = replayOf(found);
    const answer = {
      ...about,
      ...inOrder(explainLane(lane, endpoint, now()), state, oldest),
      state: viewTransition(oldest),
      ...(lane.attempt > 0 && { tries: lane.attempt }),
      ...(lane.attempt > 0 &&
        lane.state === 'pending' &&
        lane.triesLeft !== undefined && { triesLeft: lane.triesLeft }),
      ...(lane.cause !== undefined && { lastCause: lane.cause }),
      endpoint,
      ...deathOf(found),
      ...(replayId !== null && { replayId }),
    };
    return { ok: true, answer };
  };
}

function saysNothing({ callbackAt, status }: CalledBackRecord): Said {
  if (callbackAt !== undefined)
    return { why: 'delivered', summary: `all is delivered, the last of it at ${callbackAt.toISOString()}` };
  return { why: 'nothing-yet', summary: `there was nothing to call back yet: the task is ${taskStateName(status)}` };
}

/** A task's states are delivered in their order: the first holds up the others. */
function inOrder(said: Said, state: PendingRecord, oldest: PendingRecord): Said & { readonly behind?: number } {
  if (state.seq === oldest.seq) return said;
  const summary = `it waits behind sequence ${oldest.seq} (${taskStateName(oldest.status)}), which must be delivered before; of that one: ${said.summary}`;
  return { ...said, summary, behind: oldest.seq };
}

/**
 * | the lane is | and                                   | why                          |
 * |-------------|---------------------------------------|------------------------------|
 * | leased      | –                                     | in-flight                    |
 * | dead        | has no newer state                    | dead                         |
 * | any other   | its endpoint takes nothing            | what keeps that from it      |
 * | held        | its endpoint can be called            | due: it is about to be taken |
 * | any other   | waits for its turn at its endpoint    | endpoint-busy                |
 * | pending     | its backoff is not over               | backing-off                  |
 * | any other   | –                                     | due                          |
 */
function explainLane(lane: CallbackLane, endpoint: EndpointAnswer, nowMs: number): Said {
  const dueMs = lane.dueAt?.getTime() ?? null;
  const next = (atMs: number | null) => (atMs === null ? {} : { nextAttemptAt: new Date(atMs).toISOString() });
  if (lane.state === 'leased') {
    const by = lane.lease?.by === undefined ? 'a worker' : lane.lease.by;
    const since = lane.lease?.since === undefined ? '' : ` since ${lane.lease.since.toISOString()}`;
    return { why: 'in-flight', summary: `it is being sent by ${by}${since}` };
  }
  if (lane.state === 'dead' && dueMs === null) {
    const why = describeCause(reasonOfCause(lane.cause));
    const tries = lane.attempt === 1 ? '1 try' : `${lane.attempt} tries`;
    return { why: 'dead', summary: `it was given up after ${tries}: ${why}; a replay sends it again` };
  }
  switch (endpoint.condition) {
    case 'paused':
      return { why: 'endpoint-paused', summary: `it is held: its endpoint is ${endpoint.summary}` };
    case 'gone':
      return { why: 'endpoint-gone', summary: `it is held: of its endpoint, ${endpoint.summary}` };
    case 'waiting':
      return { why: 'endpoint-waits', summary: `it waits: of its endpoint, ${endpoint.summary}`, ...untilOf(endpoint) };
    case 'open':
    case 'half-open':
      return {
        why: 'endpoint-open',
        summary: `it is held: of its endpoint, ${endpoint.summary}`,
        ...untilOf(endpoint),
      };
    case 'free':
      break;
    default:
      endpoint.condition satisfies never;
  }
  if (lane.state === 'held')
    return { why: 'due', summary: 'it was held, its endpoint is called again, and its turn comes now' };
  if (lane.aside !== undefined && dueMs !== null && dueMs > nowMs)
    return { why: 'endpoint-busy', summary: 'its endpoint has as much in hand as it may; it comes when there is room' };
  const backoffMs = Math.max(lane.notBefore?.getTime() ?? 0, lane.attempt > 0 ? (dueMs ?? 0) : 0);
  if (backoffMs > nowMs) {
    const at = new Date(backoffMs).toISOString();
    const why =
      lane.attempt === 0
        ? 'it is not due yet'
        : `try ${lane.attempt} failed: ${describeCause(reasonOfCause(lane.cause))}`;
    return { why: 'backing-off', summary: `${why}; the next try is at ${at}${triesLeftOf(lane)}`, ...next(backoffMs) };
  }
  return { why: 'due', summary: 'it is due, and a worker takes it as soon as there is room', ...next(dueMs) };
}

function triesLeftOf({ attempt, triesLeft }: CallbackLane): string {
  return attempt === 0 || triesLeft === undefined ? '' : `, and ${triesLeft} are left`;
}

function untilOf({ until }: EndpointAnswer): Pick<Said, 'nextAttemptAt'> {
  return until === undefined ? {} : { nextAttemptAt: until };
}
