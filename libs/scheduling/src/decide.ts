import type { Commands } from './command.ts';
import type { Event } from './event.ts';
import {
  onAcceptAnswered,
  onDisconnected,
  onFrameworkRemoved,
  onSubscribed,
  onTakeoverCompleted,
} from './on-cluster.ts';
import { onFrameClosing, onOffers } from './on-offers.ts';
import { onAgentFailed, onReconcileRequested } from './on-reconciliation.ts';
import { onInverseOffer } from './on-maintenance.ts';
import { onLaunchingSwitched } from './on-launching.ts';
import { onUpdateQuarantined } from './quarantined-update.ts';
import { onAttemptIdentified, onStatus } from './on-status.ts';
import { onTaskConflicted, onTaskLoaded } from './on-task.ts';
import { onTick } from './on-tick.ts';
import { onTenantsConfigured } from './on-tenants.ts';
import { dropOffer, type State } from './state.ts';

/**
 * The scheduler's thinking: one event in, commands appended to the frame's. Deterministic: the same events in the same
 * order give the same commands. It changes `state`, never the event, and knows no clock, no chance and no I/O.
 */
export function decide(state: State, event: Event, out: Commands): void {
  switch (event.kind) {
    case 'cluster.subscribed':
      return onSubscribed(state, event, out);
    case 'cluster.disconnected':
      return onDisconnected(state);
    case 'framework.removed':
      return onFrameworkRemoved(state, event.atMs, out);
    case 'takeover.completed':
      return onTakeoverCompleted(state, event.atMs, out);
    case 'offers.received':
      return onOffers(state, event, out);
    case 'offer.rescinded':
      return dropOffer(state, event.offerId);
    case 'inverse.offered':
      return onInverseOffer(state, event, out);
    case 'status.received':
      return onStatus(state, event, out);
    case 'update.quarantined':
      return onUpdateQuarantined(state, event, out);
    case 'attempt.identified':
      return onAttemptIdentified(state, event, out);
    case 'agent.failed':
      return onAgentFailed(state, event.agentId, event.atMs, out);
    case 'task.loaded':
      return onTaskLoaded(state, event, out);
    case 'task.conflicted':
      return onTaskConflicted(state, event, out);
    case 'tenants.configured':
      return onTenantsConfigured(state, event);
    case 'launching.switched':
      return onLaunchingSwitched(state, event);
    case 'reconcile.requested':
      return onReconcileRequested(state, event.taskIds, event.atMs, out);
    case 'accept.answered':
      return onAcceptAnswered(state, event, out);
    case 'clock.ticked':
      return onTick(state, event, out);
    case 'frame.closing':
      return onFrameClosing(state, event, out);
    default:
      return event satisfies never;
  }
}
