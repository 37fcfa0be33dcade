import type { Attribute, Resource } from '@juice/mesos';
import { endOvertime, forceEnd, takeReport } from './agent-runs.ts';
import { allocate, allocateStirred, timeOutOffer } from './allocator.ts';
import {
  defaultSettings,
  type Agent,
  type ClusterSettings,
  type ClusterState,
  type Effect,
  type ExecutorReport,
  type Timer,
} from './cluster-state.ts';
import { suffer, type Fault } from './faults.ts';
import { beat, expireFramework, loseStream } from './frameworks.ts';
import { missAgent, returnAgent } from './membership.ts';
import { answerRequest, type MasterAnswer, type MasterRequest } from './requests.ts';
import { readBag, type Bag } from './resources.ts';
import { createTimerQueue } from './timer-queue.ts';
import { resend } from './update-stream.ts';

/**
 * A whole Mesos cluster as one state machine: a master, its agents and their tasks. It has no clock, no randomness and
 * does no I/O: time comes in with every input, ids from `newUuid`, and what has to be done comes out as effects, to be
 * carried out in order. The same inputs give the same effects. Behaves as recorded from Mesos 1.12, except that freed
 * resources are offered after milliseconds instead of up to a second; maintenance, which no recording shows, is modelled
 * on the allocator of the real one.
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
    inverseOffers: new Map(),
    agents,
    agentsById: new Map(agents.map((agent) => [agent.id, agent])),
    runs: new Map(),
    stirred: new Set(),
    updateFaults: { duplicate: false, delayMs: 0, toGarble: [] },
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
    missAtMs: null,
    draining: false,
    unavailability: null,
    tasks: new Map(),
    offers: new Set(),
    kills: new Map(),
    runs: new Map(),
  };
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
    case 'offer.timeout':
      return timeOutOffer(state, timer.offerId);
    case 'failover':
      return expireFramework(state, timer.frameworkId);
    case 'deliver':
      if (state.streams.has(timer.effect.streamId)) state.effects.push(timer.effect);
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
