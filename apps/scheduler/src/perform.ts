import type { TaskId, TaskSpec } from '@juice/contracts';
import type { CallAnswer, Draft, FrameworkCall, Offer } from '@juice/mesos';
import type { Log } from '@juice/observability';
import type { Event, Launch, MesosCall } from '@juice/scheduling';
import { buildAccept, type AcceptCall } from './launches.ts';
import type { CallTarget } from './runner.ts';
import { toWireCall } from './subscription-calls.ts';

/**
 * Calls that are made once: lost, a REVIVE would leave us without offers for ever, and a DECLINE an offer with nobody.
 * KILL and RECONCILE are repeated by the core, and an update that was not acknowledged by its agent.
 */
const onceOnly: ReadonlySet<MesosCall['kind']> = new Set(['accept', 'decline', 'revive', 'suppress']);

/** Makes the core's calls on one subscription. Offers are kept as the master sent them until they are answered. */
export interface Performer extends CallTarget {
  keepOffers(offers: readonly Offer[]): void;
  dropOffer(offerId: string): void;
}

/**
 * KILL and RECONCILE never precede the answer to their task's ACCEPT: the core waits for it. Beyond that calls may be in
 * flight in parallel; REVIVE and SUPPRESS alone follow one another, because the last of them must win.
 */
export function createPerformer(deps: {
  frameworkId: string;
  call: (call: Draft<FrameworkCall>) => Promise<CallAnswer>;
  loadLaunchSpecs: (ids: readonly TaskId[]) => Promise<ReadonlyMap<TaskId, { spec: TaskSpec }>>;
  push: (event: Event) => void;
  /** The subscription is gone, or what became of a call that nobody repeats is not known: subscribe anew. */
  onDoubt: (detail: string) => void;
  log: Log;
  now: () => number;
}): Performer {
  const { frameworkId, log, now } = deps;
  const offers = new Map<string, Offer>();
  let demand: Promise<unknown> = Promise.resolve();
  let isOver = false;

  /** Once: after it, every call still in hand fails, and that is no news. */
  function giveUp(detail: string): void {
    if (!isOver) deps.onDoubt(detail);
    isOver = true;
  }

  async function make(kind: MesosCall['kind'], wireCall: Draft<FrameworkCall>): Promise<CallAnswer> {
    const answer = await deps.call(wireCall);
    if (answer.kind === 'accepted' || isOver) return answer;
    log[levelOf(kind, answer)]('call.failed', { call: kind, outcome: answer.kind, detail: answer.detail });
    if (answer.kind === 'subscription-lost') giveUp(answer.detail);
    if (answer.kind === 'unknown' && onceOnly.has(kind))
      giveUp(`what became of a call (${kind}) is not known: ${answer.detail}`);
    return answer;
  }

  async function launch(accepts: readonly AcceptCall[]): Promise<void> {
    const ids = accepts.flatMap(({ launches }) => launches.map(({ taskId }) => taskId));
    const specs = await deps.loadLaunchSpecs(ids).catch((error: unknown) => {
      log.warn('call.failed', { call: 'accept', outcome: 'specs unread', error });
      return new Map<TaskId, { spec: TaskSpec }>();
    });
    await Promise.all(accepts.map((accept) => launchOn(accept, specs)));
  }

  async function launchOn(accept: AcceptCall, specs: ReadonlyMap<TaskId, { spec: TaskSpec }>): Promise<void> {
    const accepted = accept.offerIds.flatMap((offerId) => offers.get(offerId) ?? []);
    for (const offerId of accept.offerIds) offers.delete(offerId);
    if (accepted.length < accept.offerIds.length) {
      // One void offer voids the whole call; the others go back.
      giveBack(accepted);
      return answered(accept.launches, 'refused', 'its offer was withdrawn');
    }
    const { call, included, refused } = buildAccept(accept, accepted, specs, frameworkId);
    for (const { launch: one, detail } of refused) answered([one], 'refused', detail);
    const answer = await make('accept', call);
    if (answer.kind === 'accepted') answered(included, 'accepted', '');
    else if (answer.kind === 'refused') answered(included, 'refused', answer.detail);
  }

  function giveBack(unused: readonly Offer[]): void {
    if (unused.length === 0) return;
    const offerIds = unused.map(({ id }) => id.value);
    void make('decline', toWireCall({ kind: 'decline', offerIds, refuseSeconds: 0 }, frameworkId));
  }

  function answered(launches: readonly Launch[], answer: 'accepted' | 'refused', detail: string): void {
    if (launches.length === 0) return;
    const mesosTaskIds = launches.map(({ mesosTaskId }) => mesosTaskId);
    deps.push({ kind: 'accept.answered', atMs: now(), mesosTaskIds, answer, detail });
  }

  return {
    keepOffers(received) {
      for (const offer of received) offers.set(offer.id.value, offer);
    },
    dropOffer: (offerId) => void offers.delete(offerId),
    perform(calls) {
      const accepts = calls.filter((call) => call.kind === 'accept');
      if (accepts.length > 0) void launch(accepts);
      for (const call of calls) {
        if (call.kind === 'accept') continue;
        const wireCall = toWireCall(call, frameworkId);
        if (call.kind === 'decline') for (const offerId of call.offerIds) offers.delete(offerId);
        if (call.kind === 'revive' || call.kind === 'suppress') demand = demand.then(() => make(call.kind, wireCall));
        else void make(call.kind, wireCall);
      }
    },
  };
}

/** Acknowledgements are many, and agents repeat what was not acknowledged: nobody needs a line for each. */
function levelOf(kind: MesosCall['kind'], { kind: outcome }: CallAnswer): 'error' | 'warn' | 'debug' {
  if (outcome === 'refused') return 'error';
  return kind === 'acknowledge' ? 'debug' : 'warn';
}
