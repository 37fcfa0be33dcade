import type { OfferID, OfferOperation, TaskInfo } from '@juice/mesos';
import { killRun, startRun } from './agent-runs.ts';
import { settleOffer, stir, withdrawOffer } from './allocator.ts';
import {
  sendMasterStatus,
  taskKey,
  type ClusterState,
  type Framework,
  type MasterTask,
  type OfferRecord,
} from './cluster-state.ts';
import { hasCapability } from './framework-check.ts';
import type { CallAccept, CallDecline, CallKill } from './received-call.ts';
import { addBags, emptyBag, readBag, subtractBags, type Bag } from './resources.ts';
import { reconcile } from './reconciliation.ts';
import { checkTask, type LaunchPlace } from './task-check.ts';

/** ACCEPT: all its offers must stand, of one agent and one role; then its tasks are judged one by one. */
export function accept(state: ClusterState, framework: Framework, call: CallAccept): void {
  const offers = findOffers(state, framework, call.offer_ids);
  if (typeof offers === 'string') return refuseAccept(state, framework, { call, problem: offers });
  const [first] = offers;
  if (first === undefined) return;
  const { agent, role } = first;
  let available: Bag = offers.reduce((sum, offer) => addBags(sum, offer.bag), emptyBag);
  for (const task of call.operations.flatMap(launchedTasks)) {
    const place = { framework, agent, role, available, wanted: readBag(task.resources) };
    if (launch(state, task, place)) available = subtractBags(available, place.wanted);
  }
  settleAll(state, offers, { bag: available, filters: call.filters });
}

/** What is left belongs to the accepted offers together: one filter for the whole of it. */
function settleAll(
  state: ClusterState,
  offers: readonly OfferRecord[],
  left: { bag: Bag; filters: CallAccept['filters'] },
): void {
  offers.forEach((offer, index) =>
    settleOffer(state, offer, index === 0 ? left : { bag: emptyBag, filters: undefined }),
  );
}

/** The tasks of LAUNCH operations. No other operation is known here; like one that fails, it is left out silently. */
function launchedTasks(operation: OfferOperation): readonly TaskInfo[] {
  if (operation.type === 'LAUNCH') return operation.launch?.task_infos ?? [];
  return [];
}

function findOffers(state: ClusterState, framework: Framework, ids: readonly OfferID[]): OfferRecord[] | string {
  if (ids.length === 0) return 'No offers specified';
  const values = ids.map((id) => id.value);
  const repeated = values.find((id, index) => values.indexOf(id) !== index);
  if (repeated !== undefined) return `Duplicate offer ${repeated} in offer list`;
  const offers: OfferRecord[] = [];
  for (const id of values) {
    const offer = state.offers.get(id);
    if (offer === undefined) return `Offer ${id} is no longer valid`;
    offers.push(offer);
  }
  return (
    offers.map((offer) => checkOffer(offer, framework, offers[0] ?? offer)).find((problem) => problem !== null) ??
    offers
  );
}

function checkOffer(offer: OfferRecord, framework: Framework, first: OfferRecord): string | null {
  if (offer.framework !== framework) {
    return `Offer ${offer.id} has invalid framework ${offer.framework.id} while framework ${framework.id} is expected`;
  }
  if (offer.role !== first.role) {
    return `Aggregated offers must be allocated to the same role. Offer ${offer.id} uses role '${offer.role} but another is using role '${first.role}`;
  }
  if (offer.agent !== first.agent) {
    return `Aggregated offers must belong to one single agent. Offer ${offer.id} uses agent ${offer.agent.id} and agent ${first.agent.id}`;
  }
  return null;
}

/** The whole ACCEPT fails: offers of the framework's that still stood are given back, every task is dropped. */
function refuseAccept(state: ClusterState, framework: Framework, refused: { call: CallAccept; problem: string }): void {
  for (const { value } of refused.call.offer_ids) {
    const offer = state.offers.get(value);
    if (offer === undefined || offer.framework !== framework) continue;
    withdrawOffer(state, offer);
    stir(state, offer.agent);
  }
  const dropped = hasCapability(framework.info, 'PARTITION_AWARE') ? 'TASK_DROPPED' : 'TASK_LOST';
  for (const task of refused.call.operations.flatMap(launchedTasks)) {
    sendMasterStatus(state, framework, {
      task_id: { value: task.task_id.value },
      state: dropped,
      message: `Task launched with invalid offers: ${refused.problem}`,
      reason: 'REASON_INVALID_OFFERS',
      agent_id: { value: task.agent_id.value },
    });
  }
}

/** Whether the task was sent to its agent; if not, the framework has been told. */
function launch(state: ClusterState, task: TaskInfo, place: LaunchPlace): boolean {
  const { framework, agent, role } = place;
  const problem = checkTask(task, place);
  if (problem !== null) {
    sendMasterStatus(state, framework, {
      task_id: { value: task.task_id.value },
      state: 'TASK_ERROR',
      message: problem,
      reason: 'REASON_TASK_INVALID',
      agent_id: { value: task.agent_id.value },
    });
    return false;
  }
  const booked = bookTask(task, place);
  framework.tasks.set(booked.id, booked);
  agent.tasks.set(taskKey(framework.id, booked.id), booked);
  // A message to an agent that is away is lost; the master does not know that yet.
  if (agent.linked) startRun(state, booked, withRoles(task, role));
  return true;
}

function bookTask(task: TaskInfo, { framework, agent, role, wanted }: LaunchPlace): MasterTask {
  return {
    id: task.task_id.value,
    framework,
    agent,
    role,
    bag: wanted,
    state: 'TASK_STAGING',
    updateState: null,
    updateUuid: null,
    containerStatus: null,
    healthy: null,
    freed: false,
  };
}

function withRoles(task: TaskInfo, role: string): TaskInfo {
  return { ...task, resources: task.resources.map((resource) => ({ ...resource, allocation_info: { role } })) };
}

/** DECLINE. Ids of offers that are gone, or another framework's, are passed over. */
export function decline(state: ClusterState, framework: Framework, call: CallDecline): void {
  for (const { value } of call.offer_ids) {
    const offer = state.offers.get(value);
    if (offer?.framework === framework) settleOffer(state, offer, { bag: offer.bag, filters: call.filters });
  }
}

/** KILL. For a task the master does not know it answers as if asked to reconcile; with a wrong agent it does nothing. */
export function kill(state: ClusterState, framework: Framework, call: CallKill): void {
  const task = framework.tasks.get(call.task_id.value);
  if (task === undefined) return reconcile(state, framework, [call]);
  if (call.agent_id !== undefined && call.agent_id.value !== task.agent.id) return;
  const key = taskKey(framework.id, task.id);
  task.agent.kills.set(key, call);
  const run = task.agent.runs.get(key);
  if (task.agent.linked && task.agent.membership === 'registered' && run !== undefined) killRun(state, run, call);
}
