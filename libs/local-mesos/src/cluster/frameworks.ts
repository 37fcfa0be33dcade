import type { MasterInfo } from '@juice/mesos';
import { shutDownRun } from './agent-runs.ts';
import { allocate, stir, withdrawOffer } from './allocator.ts';
import { sendEvent, type ClusterState, type Framework } from './cluster-state.ts';
import {
  checkFrameworkInfo,
  checkFrameworkUpdate,
  checkPrincipalKept,
  checkSuppressedRoles,
} from './framework-check.ts';
import { forgetInverseOffers } from './inverse-offers.ts';
import type { CallSubscribe, CallUpdateFramework } from './received-call.ts';
import { forwardFirst, forgetTask } from './update-stream.ts';

/**
 * Frameworks and their subscriptions. A framework is connected (it has a stream), away (its clock runs for
 * `failover_timeout`), or gone for good (its id is in `completed`). An id this master never saw is taken as that of a
 * framework known to an earlier master.
 */

/** SUBSCRIBE, already found well-formed. A problem with the FrameworkInfo becomes one ERROR event and the end. */
export function subscribe(state: ClusterState, call: CallSubscribe, streamId: string): void {
  const problem = checkSubscription(state, call);
  if (problem !== null) {
    state.effects.push({ kind: 'event', streamId, event: { type: 'ERROR', error: { message: problem } } });
    state.effects.push({ kind: 'end', streamId, abrupt: false });
    return;
  }
  const framework = findFramework(state, call);
  replaceStream(state, framework, streamId);
  framework.removeAtMs = null;
  framework.suppressed.clear();
  for (const role of call.suppressed_roles) framework.suppressed.add(role);
  sendEvent(state, framework, {
    type: 'SUBSCRIBED',
    subscribed: {
      framework_id: { value: framework.id },
      heartbeat_interval_seconds: state.settings.heartbeatMs / 1000,
      master_info: masterInfo(state),
    },
  });
  beat(state, streamId);
  allocate(state, state.agents);
  resendAll(state, framework);
}

function checkSubscription(state: ClusterState, call: CallSubscribe): string | null {
  const info = call.framework_info;
  const known = state.frameworks.get(info.id?.value ?? '');
  return (
    checkFrameworkInfo(info) ??
    (state.completed.has(info.id?.value ?? '') ? 'Framework has been removed' : null) ??
    checkSuppressedRoles(info, call.suppressed_roles) ??
    (known === undefined ? null : checkPrincipalKept(known.info, info))
  );
}

function findFramework(state: ClusterState, { framework_info: info }: CallSubscribe): Framework {
  const given = info.id?.value ?? '';
  const known = state.frameworks.get(given);
  if (known !== undefined) {
    // `user` and `checkpoint` cannot change; the rest does.
    const { checkpoint } = known.info;
    known.info = { ...info, user: known.info.user, ...(checkpoint === undefined ? {} : { checkpoint }) };
    return known;
  }
  const id = given === '' ? `${state.masterId}-${String(state.nextFramework++).padStart(4, '0')}` : given;
  const framework = newFramework(id, { ...info, id: { value: id } });
  state.frameworks.set(id, framework);
  state.effects.push({ kind: 'save' });
  return framework;
}

export function newFramework(id: string, info: Framework['info']): Framework {
  return {
    id,
    info,
    streamId: null,
    suppressed: new Set(),
    tasks: new Map(),
    unreachable: new Map(),
    filters: new Map(),
    inverseFilters: new Map(),
    cpuMillis: 0,
    memMillis: 0,
    removeAtMs: null,
  };
}

function replaceStream(state: ClusterState, framework: Framework, streamId: string): void {
  if (framework.streamId !== null) {
    sendEvent(state, framework, { type: 'ERROR', error: { message: 'Framework failed over' } });
    state.effects.push({ kind: 'end', streamId: framework.streamId, abrupt: false });
    deactivate(state, framework);
  }
  framework.streamId = streamId;
  state.streams.set(streamId, framework.id);
}

/** Offers and filters end with the connection they were made over. */
function deactivate(state: ClusterState, framework: Framework): void {
  if (framework.streamId !== null) state.streams.delete(framework.streamId);
  framework.streamId = null;
  framework.filters.clear();
  forgetInverseOffers(state, framework);
  for (const offer of [...state.offers.values()]) {
    if (offer.framework !== framework) continue;
    withdrawOffer(state, offer);
    stir(state, offer.agent);
  }
}

/** Updates in flight come again at once to a framework that is back. */
function resendAll(state: ClusterState, framework: Framework): void {
  for (const agent of state.agents) {
    for (const run of agent.runs.values()) if (run.frameworkId === framework.id) forwardFirst(state, run);
  }
}

export function beat(state: ClusterState, streamId: string): void {
  if (!state.streams.has(streamId)) return;
  state.effects.push({ kind: 'event', streamId, event: { type: 'HEARTBEAT' } });
  state.timers.add(state.nowMs + state.settings.heartbeatMs, { kind: 'heartbeat', streamId });
}

/** A connection ended, whoever ended it. The framework has `failover_timeout` to come back. */
export function loseStream(state: ClusterState, streamId: string): void {
  const framework = state.frameworks.get(state.streams.get(streamId) ?? '');
  if (framework?.streamId !== streamId) return;
  deactivate(state, framework);
  const timeoutMs = (framework.info.failover_timeout ?? 0) * 1000;
  framework.removeAtMs = state.nowMs + timeoutMs;
  state.timers.add(framework.removeAtMs, { kind: 'failover', frameworkId: framework.id });
}

export function expireFramework(state: ClusterState, frameworkId: string): void {
  const framework = state.frameworks.get(frameworkId);
  if (framework === undefined || framework.removeAtMs === null || framework.removeAtMs > state.nowMs) return;
  removeFramework(state, framework);
}

/** TEARDOWN, or its time is up: tasks are ended without a word, the stream closes, the id is gone for good. */
export function removeFramework(state: ClusterState, framework: Framework): void {
  if (framework.streamId !== null) state.effects.push({ kind: 'end', streamId: framework.streamId, abrupt: false });
  deactivate(state, framework);
  for (const task of [...framework.tasks.values()]) forgetTask(state, task);
  const reachable = state.agents.filter((agent) => agent.linked).flatMap((agent) => [...agent.runs.values()]);
  for (const run of reachable) if (run.frameworkId === framework.id) shutDownRun(state, run);
  state.frameworks.delete(framework.id);
  state.completed.add(framework.id);
  const [oldest] = state.completed;
  if (oldest !== undefined && state.completed.size > state.settings.maxCompletedFrameworks)
    state.completed.delete(oldest);
  state.effects.push({ kind: 'save' });
}

/** UPDATE_FRAMEWORK: null when it was done, else what is wrong with it. */
export function updateFramework(state: ClusterState, framework: Framework, call: CallUpdateFramework): string | null {
  const problem =
    checkFrameworkInfo(call.framework_info) ??
    checkSuppressedRoles(call.framework_info, call.suppressed_roles) ??
    checkFrameworkUpdate(framework.info, call.framework_info);
  if (problem !== null) return problem;
  framework.info = call.framework_info;
  framework.suppressed.clear();
  for (const role of call.suppressed_roles) framework.suppressed.add(role);
  allocate(state, state.agents);
  return null;
}

export function masterInfo({ masterId, settings: { host, port } }: ClusterState): MasterInfo {
  return {
    id: masterId,
    ip: packIp(host),
    port,
    pid: `master@${host}:${port}`,
    hostname: host,
    version: '1.12.0',
    address: { hostname: host, ip: host, port },
    capabilities: [{ type: 'AGENT_UPDATE' }, { type: 'AGENT_DRAINING' }, { type: 'QUOTA_V2' }],
  };
}

/** An IPv4 address as the integer its four bytes make in memory order on a little-endian machine; 0 for another host. */
function packIp(host: string): number {
  const bytes = host.split('.').map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !Number.isInteger(byte) || byte < 0 || byte > 255)) return 0;
  return bytes.reduceRight((packed, byte) => packed * 256 + byte, 0);
}
