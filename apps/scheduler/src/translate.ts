import type { Event, MesosState, ObservedStatus, Offer } from '@juice/scheduling';
import type { Event as WireEvent, Offer as WireOffer, TaskStatus as WireStatus } from '@juice/mesos';

/** The core's view of an event of the stream; null for what the core has no use for (heartbeats, operations, …). */
export function toCoreEvent(event: WireEvent, atMs: number): Event | null {
  switch (event.type) {
    case 'OFFERS':
      return { kind: 'offers.received', atMs, offers: event.offers.offers.map(toOffer) };
    case 'RESCIND':
      return { kind: 'offer.rescinded', atMs, offerId: event.rescind.offer_id.value };
    case 'UPDATE':
      return { kind: 'status.received', atMs, status: toStatus(event.update.status) };
    case 'FAILURE': {
      // With an executor id: an executor ended, of which the tasks' own updates tell.
      const { agent_id: agent, executor_id: executor } = event.failure;
      return agent === undefined || executor !== undefined
        ? null
        : { kind: 'agent.failed', atMs, agentId: agent.value };
    }
    default:
      return null;
  }
}

/** Scalars are rounded down, in thousandths of a cpu and whole megabytes; only plain resources count. */
export function toOffer(offer: WireOffer): Offer {
  const sum = (name: string): number =>
    offer.resources
      .filter((resource) => resource.name === name && isPlain(resource))
      .reduce((total, resource) => total + Math.round((resource.scalar?.value ?? 0) * 1000), 0);
  const ports = offer.resources
    .filter((resource) => resource.name === 'ports' && isPlain(resource))
    .flatMap((resource) => resource.ranges?.range ?? [])
    .reduce((total, { begin, end }) => total + Math.max(0, end - begin + 1), 0);
  const rack = offer.attributes.find(({ name }) => name === 'rack_id');
  return {
    offerId: offer.id.value,
    agentId: offer.agent_id.value,
    hostname: offer.hostname,
    agentPort: offer.url?.address.port ?? null,
    cpuMillis: sum('cpus'),
    memMb: Math.floor(sum('mem') / 1000),
    diskMb: Math.floor(sum('disk') / 1000),
    gpus: Math.floor(sum('gpus') / 1000),
    ports,
    rackId: rack?.text?.value ?? (rack?.scalar === undefined ? null : String(rack.scalar.value)),
  };
}

/** Persistent volumes, shared and revocable resources are not for one-shot tasks. */
function isPlain(resource: WireOffer['resources'][number]): boolean {
  return resource.disk === undefined && resource.revocable === undefined && resource.shared === undefined;
}

export function toStatus(status: WireStatus): ObservedStatus {
  return {
    mesosTaskId: status.task_id.value,
    state: status.state satisfies MesosState,
    message: status.message ?? '',
    reason: status.reason?.replace(/^REASON_/, '') ?? null,
    agentId: status.agent_id?.value ?? null,
    uuid: status.uuid ?? null,
    healthy: status.healthy ?? true,
  };
}
