import { InvariantBroken, TaskState } from '@juice/contracts';
import type { Commands, Launch } from './command.ts';
import type { Event } from './event.ts';
import { matchCycle } from './matching/match.ts';
import type { Room } from './matching/room.ts';
import { placeOf } from './matching/constraint.ts';
import { mesosTaskId } from './mesos-task-id.ts';
import { canCall, dropOffer, type State } from './state.ts';
import { record } from './transitions.ts';

type OffersReceived = Extract<Event, { kind: 'offers.received' }>;

/** Offers of agents that the operator wants left alone go back at once. */
export function onOffers(state: State, { offers, atMs }: OffersReceived, out: Commands): void {
  const unwanted: string[] = [];
  for (const offer of offers) {
    if (!state.policy.wantsAgent(offer.attributes)) {
      unwanted.push(offer.offerId);
      continue;
    }
    state.offers.set(offer.offerId, { offer, receivedMs: atMs });
    state.agents.offered(offer, atMs);
    state.mayMatch = true;
  }
  if (unwanted.length === 0) return;
  out.call.push({ kind: 'decline', offerIds: unwanted, refuseSeconds: state.policy.idleRefuseSeconds });
  out.explain.push({ kind: 'offer.declined', count: unwanted.length, why: 'not wanted' });
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
  if (!canCall(state) || backlog > policy.backlogMost || state.launchStops.all !== null) return;
  if (state.mayMatch) {
    const most = Math.min(policy.launchesPerFrame, Math.floor(budget.tokens));
    const { rooms, isCut } = matchCycle(state, atMs, most);
    state.mayMatch = isCut;
    for (const room of rooms) {
      budget.tokens -= room.placed.length;
      launch(state, room, atMs, out);
    }
  }
  if (!cluster.newWork) return;
  const hasWaiting = [...state.tenants.all()].some(({ queue }) => queue.size > 0);
  if (!hasWaiting) cluster.newWork = false;
  else if (cluster.suppressed || cluster.filtered) revive(state, atMs, out);
}

function refillLaunchBudget({ launchBudget, policy }: State, atMs: number): State['launchBudget'] {
  const passedMs = Math.max(0, atMs - launchBudget.atMs);
  const refilled = launchBudget.tokens + (passedMs * policy.launchesPerSecond) / 1000;
  launchBudget.tokens = Math.min(refilled, policy.launchBurst);
  launchBudget.atMs = Math.max(launchBudget.atMs, atMs);
  return launchBudget;
}

/** Launches what a cycle has placed, and counted, in a room. */
function launch(state: State, room: Room, atMs: number, out: Commands): void {
  const { frameworkId } = state.cluster;
  if (frameworkId === null) throw new InvariantBroken('a launch without a framework id');
  const { agentId, hostname, port } = room.agent;
  const launches: Launch[] = [];
  for (const task of room.placed) {
    const { taskId, tenant, shape } = task;
    const attempt = task.attempt + 1;
    const id = mesosTaskId(task.taskName, taskId, attempt);
    const groupPlace = shape.group === null ? null : placeOf(room.agent, shape.group.spec.by);
    task.attempt = attempt;
    record(task, out, {
      atMs,
      status: TaskState.STAGING,
      message: `attempt ${attempt} is launched on ${hostname}`,
      reason: null,
      change: {
        kind: 'launch',
        mesosTaskId: id,
        frameworkId,
        agentId,
        agentHost: hostname,
        agentPort: port,
        groupPlace,
      },
      unlessKillRequested: true,
    });
    if (task.expiryAt >= 0) state.expiring.remove(task);
    task.notBeforeMs = 0;
    task.live = {
      mesosTaskId: id,
      agentId,
      agentHost: hostname,
      launchedAtMs: atMs,
      startedAtMs: 0,
      state: 'launching',
      groupPlace,
      preempted: false,
      quarantined: false,
      unread: null,
      hearsay: null,
      settled: false,
      lostSinceMs: 0,
      askNewsAtMs: atMs + state.policy.launchNewsMs,
      killAgainAtMs: 0,
      killPauseMs: state.policy.askAgainMs,
    };
    state.attempts.set(id, task);
    launches.push({ taskId, tenantId: tenant.id, attempt, mesosTaskId: id });
  }
  const offerIds = room.offers.map(({ offerId }) => offerId);
  for (const offerId of offerIds) dropOffer(state, offerId);
  // No filter on what is left: it comes back with the next allocation, for the next tasks in line.
  out.call.push({ kind: 'accept', offerIds, agentId, launches, refuseSeconds: 0 });
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

/**
 * Gives back offers that nothing used for a while, those of an agent that is kept for a task after a longer while; with
 * nothing waiting at all, or nothing to be launched, asks the master for silence.
 */
export function declineOldOffers(state: State, atMs: number, out: Commands): void {
  const { policy, cluster, reservations } = state;
  const idle = state.tasks.size === state.attempts.size || state.launchStops.all !== null;
  const old: string[] = [];
  for (const [offerId, { offer, receivedMs }] of state.offers) {
    const isKept = reservations.holderOf(offer.agentId) !== null;
    if (atMs - receivedMs >= (isKept ? policy.reserveMs : policy.offerHoldMs)) old.push(offerId);
  }
  if (old.length > 0) {
    for (const offerId of old) dropOffer(state, offerId);
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
