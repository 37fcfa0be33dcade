import type { Agent, ClusterState, Framework, MasterTask } from '../cluster/cluster-state.ts';
import { frameworkRoles } from '../cluster/framework-check.ts';
import { emptyBag, addBags, millisOf, subtractBags, type Bag } from '../cluster/resources.ts';

/** The master's state as its read-only endpoints show it: the fields that people and tools look at, not all. */
export function describeState(state: Readonly<ClusterState>): unknown {
  return {
    version: '1.12.0',
    id: state.masterId,
    pid: `master@${state.settings.host}:${state.settings.port}`,
    hostname: state.settings.host,
    activated_slaves: state.agents.filter((agent) => agent.membership === 'registered').length,
    unreachable_slaves: state.agents.filter((agent) => agent.membership === 'unreachable').length,
    ...describeAgents(state),
    ...describeFrameworks(state),
    completed_frameworks: [...state.completed].map((id) => ({ id })),
  };
}

export function describeAgents(state: Readonly<ClusterState>): {
  readonly slaves: unknown;
  readonly recovered_slaves: unknown;
} {
  const having = (membership: Agent['membership']): unknown[] =>
    state.agents.filter((agent) => agent.membership === membership).map(describeAgent);
  return { slaves: having('registered'), recovered_slaves: having('recovered') };
}

function describeAgent(agent: Agent): unknown {
  const offered = [...agent.offers].reduce((sum, offer) => addBags(sum, offer.bag), emptyBag);
  return {
    id: agent.id,
    hostname: agent.hostname,
    port: agent.port,
    pid: `slave(1)@${agent.ip}:${agent.port}`,
    attributes: Object.fromEntries(
      agent.attributes.map(({ name, text, scalar }) => [name, text?.value ?? scalar?.value]),
    ),
    resources: describeResources(agent.total),
    used_resources: describeResources(subtractBags(subtractBags(agent.total, agent.free), offered)),
    offered_resources: describeResources(offered),
    active: agent.membership === 'registered',
    deactivated: agent.draining,
    version: '1.12.0',
  };
}

function describeResources(bag: Bag): unknown {
  const ranges = [...bag.values()].flatMap((amount) => (amount.type === 'RANGES' ? amount.ranges : []));
  return {
    ...Object.fromEntries(['disk', 'mem', 'gpus', 'cpus'].map((name) => [name, millisOf(bag, name) / 1000])),
    ...(ranges.length === 0 ? {} : { ports: `[${ranges.map(({ begin, end }) => `${begin}-${end}`).join(', ')}]` }),
  };
}

export function describeFrameworks(state: Readonly<ClusterState>): { readonly frameworks: unknown } {
  return { frameworks: [...state.frameworks.values()].map((framework) => describeFramework(state, framework)) };
}

function describeFramework(state: Readonly<ClusterState>, framework: Framework): unknown {
  const { info } = framework;
  return {
    id: framework.id,
    name: info.name,
    user: info.user,
    roles: frameworkRoles(info),
    capabilities: info.capabilities.map((capability) => capability.type),
    failover_timeout: info.failover_timeout ?? 0,
    active: framework.streamId !== null,
    connected: framework.streamId !== null,
    tasks: [...framework.tasks.values()].map(describeTask),
    unreachable_tasks: [...framework.unreachable.values()].map(describeTask),
    offers: [...state.offers.values()]
      .filter((offer) => offer.framework === framework)
      .map((offer) => ({ id: offer.id, slave_id: offer.agent.id, resources: describeResources(offer.bag) })),
  };
}

function describeTask(task: MasterTask): unknown {
  return {
    id: task.id,
    framework_id: task.framework.id,
    slave_id: task.agent.id,
    state: task.state,
    role: task.role,
    resources: describeResources(task.bag),
  };
}
