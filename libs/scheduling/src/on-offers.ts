import { InvariantBroken, TaskState, type TaskId } from '@juice/contracts';
import type { Commands, Launch } from './command.ts';
import type { Event, Offer } from './event.ts';
import { matchFirstFit } from './match.ts';
import { isBeingTakenAway } from './on-maintenance.ts';
import { mesosTaskId } from './mesos-task-id.ts';
import { canCall, isWaiting, type State } from './state.ts';
import { record } from './transitions.ts';
import type { Entry } from './waiting-tasks.ts';

export function onOffers(state: State, event: Extract<Event, { kind: 'offers.received' }>): void {
  for (const offer of event.offers) {
    state.offers.set(offer.offerId, { offer, receivedMs: event.atMs });
    state.hosts.learn(offer);
  }
}

type FrameClosing = Extract<Event, { kind: 'frame.closing' }>;

/**
 * The end of a frame: what waits is matched with what is offered. Left over: offers are kept a moment for tasks about to
 * come (`declineOldOffers`); new work that no offer holds lifts our filters at the master.
 */
export function onFrameClosing(state: State, { atMs, backlog }: FrameClosing, out: Commands): void {
  const { lastWords, cluster, policy } = state;
  lastWords.previous = lastWords.current;
  lastWords.current = new Map();
  const budget = refillLaunchBudget(state, atMs);
  if (!canCall(state) || backlog > policy.backlogMost) return;

  const waits = (entry: Entry): boolean => isWaiting(state, entry);
  const buckets = state.waiting.buckets(waits);
  if (buckets.length === 0) return;
  const offers = [...state.offers.values()]
    .map(({ offer }) => offer)
    .filter((offer) => !isBeingTakenAway(state, offer, atMs));
  const placements = matchFirstFit(buckets, offers, {
    isWaiting: waits,
    waitsForAnother: ({ avoid }, holds) =>
      avoid !== null && atMs < avoid.untilMs && state.hosts.elsewhere(avoid.host, holds),
    most: Math.min(policy.launchesPerFrame, Math.floor(budget.tokens)),
  });
  for (const { offer, taskIds } of placements) {
    budget.tokens -= taskIds.length;
    launch(state, offer, taskIds, atMs, out);
  }

  const unplaced = buckets.some((bucket) => bucket.queue.size > 0);
  if (unplaced && cluster.newWork && (cluster.suppressed || cluster.filtered)) revive(state, atMs, out);
  if (!unplaced) cluster.newWork = false;
}

function refillLaunchBudget({ launchBudget, policy }: State, atMs: number): State['launchBudget'] {
  const passedMs = Math.max(0, atMs - launchBudget.atMs);
  const refilled = launchBudget.tokens + (passedMs * policy.launchesPerSecond) / 1000;
  launchBudget.tokens = Math.min(refilled, policy.launchBurst);
  launchBudget.atMs = Math.max(launchBudget.atMs, atMs);
  return launchBudget;
}

function launch(state: State, offer: Offer, taskIds: readonly TaskId[], atMs: number, out: Commands): void {
  const { frameworkId } = state.cluster;
  if (frameworkId === null) throw new InvariantBroken('a launch without a framework id');
  const { agentId, agentPort, hostname } = offer;
  const launches: Launch[] = [];
  for (const taskId of taskIds) {
    const task = state.tasks.get(taskId);
    if (task === undefined) throw new InvariantBroken(`task ${taskId} was matched but is not known`);
    const attempt = task.view.attempt + 1;
    const id = mesosTaskId(task.view.taskName, taskId, attempt);
    task.view = { ...task.view, attempt };
    record(task, out, {
      atMs,
      status: TaskState.STAGING,
      message: `attempt ${attempt} is launched on ${hostname}`,
      reason: null,
      change: { kind: 'launch', mesosTaskId: id, frameworkId, agentId, agentHost: hostname, agentPort },
      unlessKillRequested: true,
    });
    task.live = {
      mesosTaskId: id,
      agentId,
      agentHost: hostname,
      launchedAtMs: atMs,
      startedAtMs: 0,
      state: 'launching',
      settled: false,
      lostSinceMs: 0,
      askNewsAtMs: atMs + state.policy.launchNewsMs,
      killAgainAtMs: 0,
      killPauseMs: state.policy.askAgainMs,
    };
    state.attempts.set(id, task);
    launches.push({ taskId, tenantId: task.view.tenantId, attempt, mesosTaskId: id });
  }
  state.offers.delete(offer.offerId);
  // No filter on what is left: it comes back with the next allocation, for the next tasks in line.
  out.call.push({ kind: 'accept', offerId: offer.offerId, agentId, launches, refuseSeconds: 0 });
}

function revive(state: State, atMs: number, out: Commands): void {
  const { cluster, policy } = state;
  if (atMs - cluster.lastReviveMs < policy.reviveIntervalMs) return;
  cluster.lastReviveMs = atMs;
  cluster.suppressed = false;
  cluster.filtered = false;
  cluster.newWork = false;
  out.call.push({ kind: 'revive' });
}

/** Gives back offers that nothing used for a while; with nothing waiting at all, asks the master for silence. */
export function declineOldOffers(state: State, atMs: number, out: Commands): void {
  const { policy, cluster } = state;
  const idle = state.tasks.size === state.attempts.size;
  const old: string[] = [];
  for (const [offerId, held] of state.offers) {
    if (atMs - held.receivedMs >= policy.offerHoldMs) old.push(offerId);
  }
  if (old.length > 0) {
    for (const offerId of old) state.offers.delete(offerId);
    const refuseSeconds = idle ? policy.idleRefuseSeconds : policy.busyRefuseSeconds;
    out.call.push({ kind: 'decline', offerIds: old, refuseSeconds });
    out.explain.push({ kind: 'offer.declined', count: old.length, why: idle ? 'idle' : 'nothing fits' });
    cluster.filtered = true;
  }
  if (idle && !cluster.suppressed && cluster.filtered && state.offers.size === 0) {
    cluster.suppressed = true;
    out.call.push({ kind: 'suppress' });
  }
}
