import type { Attribute, ReceivedCall, Resource } from '@juice/mesos';
import { accept, decline, kill } from './accepting.ts';
import { acknowledge, endOvertime, forceEnd, resend, takeReport } from './agent-runs.ts';
import { allocate, allocateStirred, revive, suppress } from './allocator.ts';
import { checkCall } from './call-check.ts';
import {
  defaultSettings,
  type Agent,
  type ClusterSettings,
  type ClusterState,
  type Effect,
  type ExecutorReport,
  type Framework,
  type Timer,
} from './cluster-state.ts';
import { beat, expireFramework, loseStream, removeFramework, subscribe, updateFramework } from './frameworks.ts';
import {
  drain,
  loseAgent,
  markGone,
  missAgent,
  reactivate,
  restartMaster,
  returnAgent,
  unregister,
} from './membership.ts';
import { reconcile } from './reconciliation.ts';
import { readBag, type Bag } from './resources.ts';
import { createTimerQueue } from './timer-queue.ts';

/**
 * A whole Mesos cluster as one state machine: a master, its agents and their tasks. It has no clock, no randomness and
 * does no I/O: time comes in with every input, ids from `newUuid`, and what has to be done comes out as effects, to be
 * carried out in order. The same inputs give the same effects. Behaves as recorded from Mesos 1.12, except that freed
 * resources are offered after milliseconds instead of up to a second.
 */
export interface Cluster {
  /** A request to the master, decoded. `streamId` is taken for the new stream if the call subscribes. */
  call(request: MasterRequest, nowMs: number): { readonly answer: MasterAnswer; readonly effects: readonly Effect[] };
  /** The connection of a stream ended. */
  streamEnded(streamId: string, nowMs: number): readonly Effect[];
  /** An executor has news of a container. */
  report(containerId: string, report: ExecutorReport, nowMs: number): readonly Effect[];
  /** Something happens to the cluster. */
  fault(fault: Fault, nowMs: number): readonly Effect[];
  /** Carries out what has become due. */
  tick(nowMs: number): readonly Effect[];
  /** When `tick` is wanted next. */
  nextDueMs(): number | null;
  /** Why no request is served (status 503), or null. */
  unready(): string | null;
  /** What has to survive a restart of the process. */
  snapshot(): ClusterSnapshot;
  /** For views and tests: read, never change. */
  readonly state: Readonly<ClusterState>;
}

export interface MasterRequest {
  readonly call: ReceivedCall;
  /** The Mesos-Stream-Id header. */
  readonly streamId: string | null;
  /** Whether the Accept header allows one of the two stream formats. */
  readonly acceptable: boolean;
  /** Who authenticated, where the master asks for it. */
  readonly principal: string | null;
  readonly newStreamId: string;
}

export type MasterAnswer =
  | { readonly kind: 'stream'; readonly streamId: string }
  | { readonly kind: 'plain'; readonly status: number; readonly body: string };

export type Fault =
  | { readonly kind: 'stream.dropped'; readonly frameworkId: string | null }
  | { readonly kind: 'agent.lost'; readonly index: number; readonly noticeAfterMs: number }
  | {
      readonly kind: 'agent.returned' | 'agent.gone' | 'agent.unregistered' | 'agent.drained' | 'agent.reactivated';
      readonly index: number;
    }
  | {
      readonly kind: 'master.restarted';
      readonly masterId: string;
      readonly recoverMs: number;
      readonly agentsBackMs: number;
    }
  | { readonly kind: 'updates.distorted'; readonly duplicate: boolean; readonly delayMs: number };

/** An agent as it is made: its id is kept across restarts. */
export interface AgentSetup {
  readonly id: string;
  readonly hostname: string;
  readonly ip: string;
  readonly port: number;
  readonly resources: readonly Resource[];
  readonly attributes: readonly Attribute[];
}

export interface ClusterSetup {
  readonly masterId: string;
  readonly agents: readonly AgentSetup[];
  /** Framework ids that are gone for good. */
  readonly completed: readonly string[];
  readonly newUuid: () => string;
  readonly nowMs: number;
  readonly settings: Partial<ClusterSettings> & Pick<ClusterSettings, 'host' | 'port'>;
}

export interface ClusterSnapshot {
  readonly completed: readonly string[];
  /** In the agents' order; an id that is used up (gone, unregistered) is null. */
  readonly agentIds: readonly (string | null)[];
}

export function createCluster(setup: ClusterSetup): Cluster {
  const state = createState(setup);
  const drainEffects = (): readonly Effect[] => {
    const { effects } = state;
    state.effects = [];
    return effects;
  };
  const run = (nowMs: number, step: () => void): readonly Effect[] => {
    state.nowMs = Math.max(state.nowMs, nowMs);
    step();
    return drainEffects();
  };
  return {
    state,
    call(request, nowMs) {
      state.nowMs = Math.max(state.nowMs, nowMs);
      const answer = answerRequest(state, request);
      return { answer, effects: drainEffects() };
    },
    streamEnded: (streamId, nowMs) => run(nowMs, () => loseStream(state, streamId)),
    report: (containerId, report, nowMs) => run(nowMs, () => takeReport(state, containerId, report)),
    fault: (fault, nowMs) => run(nowMs, () => suffer(state, fault)),
    tick: (nowMs) => run(nowMs, () => ring(state)),
    nextDueMs: () => state.timers.nextAtMs(),
    unready: () => (state.recovering ? 'Master has not finished recovery' : null),
    snapshot: () => ({
      completed: [...state.completed],
      agentIds: state.agents.map((agent) => (isUsedUp(agent) ? null : agent.id)),
    }),
  };
}

function isUsedUp({ membership }: Agent): boolean {
  return membership === 'gone' || membership === 'removed';
}

function createState(setup: ClusterSetup): ClusterState {
  const agents = setup.agents.map(createAgent);
  const state: ClusterState = {
    settings: { ...defaultSettings, ...setup.settings },
    newUuid: setup.newUuid,
    timers: createTimerQueue(),
    nowMs: setup.nowMs,
    effects: [],
    masterId: setup.masterId,
    recovering: false,
    nextFramework: 0,
    nextOffer: 0,
    frameworks: new Map(),
    completed: new Set(setup.completed),
    streams: new Map(),
    offers: new Map(),
    agents,
    agentsById: new Map(agents.map((agent) => [agent.id, agent])),
    runs: new Map(),
    stirred: new Set(),
    updateFaults: { duplicate: false, delayMs: 0 },
  };
  state.timers.add(setup.nowMs + state.settings.allocationIntervalMs, { kind: 'allocate' });
  return state;
}

function createAgent(setup: AgentSetup, index: number): Agent {
  const total: Bag = readBag(setup.resources);
  const { id, hostname, ip, port, attributes } = setup;
  return {
    ...{ index, id, hostname, ip, port, attributes, total, free: total },
    linked: true,
    membership: 'registered',
    unreachableAtMs: 0,
    draining: false,
    tasks: new Map(),
    offers: new Set(),
    kills: new Map(),
    runs: new Map(),
  };
}

/** The checks of a request in the master's order; what passes them all is done. */
function answerRequest(state: ClusterState, request: MasterRequest): MasterAnswer {
  const { call, streamId, acceptable } = request;
  if (state.recovering) return plain(503, 'Master has not finished recovery');
  const problem = checkCall(call) ?? checkPrincipal(request);
  if (problem !== null) return plain(400, `Failed to validate scheduler::Call: ${problem}`);
  if ((call.type === 'SUBSCRIBE' || call.type === 'RECONCILE_OPERATIONS') && !acceptable) {
    return plain(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'");
  }
  if (call.type === 'SUBSCRIBE' && call.subscribe !== undefined) {
    if (streamId !== null) return plain(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header");
    subscribe(state, call.subscribe, request.newStreamId);
    return { kind: 'stream', streamId: request.newStreamId };
  }
  const framework = state.frameworks.get(call.framework_id?.value ?? '');
  if (framework === undefined) return plain(400, 'Framework cannot be found');
  return checkSubscribed(framework, request) ?? obey(state, framework, call);
}

function checkPrincipal({ call, principal }: MasterRequest): string | null {
  const claimed = call.subscribe?.framework_info.principal;
  if (call.type !== 'SUBSCRIBE' || principal === null || claimed === undefined || claimed === principal) return null;
  return `Authenticated principal '${principal}' does not match principal '${claimed}' set in \`FrameworkInfo\``;
}

function checkSubscribed(framework: Framework, { principal, streamId }: MasterRequest): MasterAnswer | null {
  const owner = framework.info.principal;
  if (principal !== null && owner !== undefined && owner !== principal) {
    return plain(
      400,
      `Authenticated principal '${principal}' does not match principal '${owner}' set in \`FrameworkInfo\``,
    );
  }
  if (framework.streamId === null) return plain(403, 'Framework is not subscribed');
  if (streamId === null) return plain(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
  if (streamId === framework.streamId) return null;
  return plain(
    400,
    `The stream ID '${streamId}' included in this request didn't match the stream ID currently associated with framework ID ${framework.id}`,
  );
}

function plain(status: number, body: string): MasterAnswer {
  return { kind: 'plain', status, body };
}

/** Calls that a stand-in without operations, inverse offers or executors of the framework's own has no use for end as 202. */
function obey(state: ClusterState, framework: Framework, call: ReceivedCall): MasterAnswer {
  switch (call.type) {
    case 'TEARDOWN':
      removeFramework(state, framework);
      break;
    case 'ACCEPT':
      if (call.accept !== undefined) accept(state, framework, call.accept);
      break;
    case 'DECLINE':
      if (call.decline !== undefined) decline(state, framework, call.decline);
      break;
    case 'REVIVE':
      revive(state, framework, call.revive?.roles ?? []);
      break;
    case 'SUPPRESS':
      suppress(framework, call.suppress?.roles ?? []);
      break;
    case 'KILL':
      if (call.kill !== undefined) kill(state, framework, call.kill);
      break;
    case 'ACKNOWLEDGE':
      if (call.acknowledge !== undefined) acknowledge(state, framework.id, call.acknowledge);
      break;
    case 'RECONCILE':
      reconcile(state, framework, call.reconcile?.tasks ?? []);
      break;
    case 'UPDATE_FRAMEWORK': {
      const problem = call.update_framework && updateFramework(state, framework, call.update_framework);
      return problem ? plain(400, problem) : plain(200, '');
    }
    case 'UNKNOWN':
      return plain(501, '');
    default:
      break;
  }
  return plain(202, '');
}

function suffer(state: ClusterState, fault: Fault): void {
  switch (fault.kind) {
    case 'stream.dropped':
      for (const [streamId, frameworkId] of [...state.streams]) {
        if (fault.frameworkId !== null && fault.frameworkId !== frameworkId) continue;
        state.effects.push({ kind: 'end', streamId, abrupt: true });
        loseStream(state, streamId);
      }
      return;
    case 'master.restarted':
      return restartMaster(state, fault);
    case 'updates.distorted':
      state.updateFaults.duplicate = fault.duplicate;
      state.updateFaults.delayMs = fault.delayMs;
      return;
    default:
      return sufferAgent(state, fault);
  }
}

function sufferAgent(
  state: ClusterState,
  fault: Exclude<Fault, { kind: `${'stream' | 'master' | 'updates'}.${string}` }>,
): void {
  const agent = state.agents[fault.index];
  if (agent === undefined) return;
  switch (fault.kind) {
    case 'agent.lost':
      return loseAgent(state, agent, fault.noticeAfterMs);
    case 'agent.returned':
      return returnAgent(state, agent);
    case 'agent.gone':
      return markGone(state, agent);
    case 'agent.unregistered':
      return unregister(state, agent);
    case 'agent.drained':
      return drain(state, agent);
    case 'agent.reactivated':
      return reactivate(state, agent);
  }
}

function ring(state: ClusterState): void {
  for (;;) {
    const timer = state.timers.takeDue(state.nowMs);
    if (timer === null) return;
    ringOne(state, timer);
  }
}

function ringOne(state: ClusterState, timer: Timer): void {
  switch (timer.kind) {
    case 'heartbeat':
      return beat(state, timer.streamId);
    case 'allocate':
      state.timers.add(state.nowMs + state.settings.allocationIntervalMs, timer);
      return allocate(state, state.agents);
    case 'allocate.stirred':
      return allocateStirred(state);
    case 'resend':
      return resend(state, timer.containerId);
    case 'force':
      return forceEnd(state, timer.containerId);
    case 'overtime':
      return endOvertime(state, timer.containerId);
    case 'failover':
      return expireFramework(state, timer.frameworkId);
    case 'deliver':
      if (state.streams.has(timer.streamId)) state.effects.push({ ...timer, kind: 'event' });
      return;
    case 'master.recovered':
      state.recovering = false;
      return;
    case 'agent.lost':
    case 'agent.back':
      return ringAgent(state, timer);
  }
}

function ringAgent(state: ClusterState, timer: Timer & { kind: 'agent.lost' | 'agent.back' }): void {
  const agent = state.agents[timer.index];
  if (agent === undefined) return;
  if (timer.kind === 'agent.lost') missAgent(state, agent);
  else if (agent.linked && agent.membership === 'recovered') returnAgent(state, agent);
}
