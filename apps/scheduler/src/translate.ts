import type { AgentAttribute, Event, MesosState, ObservedStatus, Offer } from '@juice/scheduling';
import type { Event as WireEvent, Offer as WireOffer, TaskStatus as WireStatus } from '@juice/mesos';

/** The core's view of an event of the stream; nothing for what the core has no use for (heartbeats, operations, …). */
export function toCoreEvents(event: WireEvent, atMs: number): readonly Event[] {
  switch (event.type) {
    case 'OFFERS':
      return [{ kind: 'offers.received', atMs, offers: event.offers.offers.map(toOffer) }];
    case 'RESCIND':
      return [{ kind: 'offer.rescinded', atMs, offerId: event.rescind.offer_id.value }];
    case 'INVERSE_OFFERS':
      return event.inverse_offers.inverse_offers.map(({ id, agent_id: agent }) => {
        return { kind: 'inverse.offered', atMs, inverseOfferId: id.value, agentId: agent?.value ?? null };
      });
    case 'UPDATE':
      return [{ kind: 'status.received', atMs, status: toStatus(event.update.status) }];
    case 'FAILURE': {
      // With an executor id: an executor ended, of which the tasks' own updates tell.
      const { agent_id: agent, executor_id: executor } = event.failure;
      return agent === undefined || executor !== undefined
        ? []
        : [{ kind: 'agent.failed', atMs, agentId: agent.value }];
    }
    default:
      return [];
  }
}

/** Scalars are rounded down, in thousandths of a cpu and whole megabytes; only plain resources count. */
export function toOffer(offer: WireOffer): Offer {
  const sum = (name: string): number =>
    offer.resources
      .filter((resource) => resource.name === name && isPlain(resource))
      .reduce((total, resource) => total + Math.round((resource.scalar?.value ?? 0) * 1000), 0);
  const ranges = offer.resources
    .filter((resource) => resource.name === 'ports' && isPlain(resource))
    .flatMap((resource) => resource.ranges?.range ?? [])
    .filter(({ begin, end }) => begin <= end);
  return {
    offerId: offer.id.value,
    agentId: offer.agent_id.value,
    role: offer.allocation_info?.role ?? '*',
    hostname: offer.hostname,
    agentPort: offer.url?.address.port ?? null,
    cpuMillis: sum('cpus'),
    memMb: Math.floor(sum('mem') / 1000),
    diskMb: Math.floor(sum('disk') / 1000),
    gpus: Math.floor(sum('gpus') / 1000),
    ports: ranges.reduce((total, { begin, end }) => total + end - begin + 1, 0),
    portRanges: ranges.map(({ begin, end }) => ({ begin, end })),
    attributes: offer.attributes.map(toAttribute),
    unavailability: toUnavailability(offer.unavailability),
  };
}

function toAttribute({ name, scalar, ranges, set, text }: WireOffer['attributes'][number]): AgentAttribute {
  if (scalar !== undefined) return { name, kind: 'scalar', value: scalar.value };
  if (set !== undefined) return { name, kind: 'set', items: set.item };
  if (ranges !== undefined) return { name, kind: 'ranges', ranges: ranges.range };
  return { name, kind: 'text', text: text?.value ?? '' };
}

/** Without a duration it is for good. */
function toUnavailability(planned: WireOffer['unavailability']): Offer['unavailability'] {
  if (planned === undefined) return null;
  const fromMs = planned.start.nanoseconds / 1e6;
  const { duration } = planned;
  return { fromMs, untilMs: duration === undefined ? Infinity : fromMs + duration.nanoseconds / 1e6 };
}

/** Persistent volumes, shared and revocable resources are not for one-shot tasks. */
function isPlain(resource: WireOffer['resources'][number]): boolean {
  return resource.disk === undefined && resource.revocable === undefined && resource.shared === undefined;
}

/** A task keeps several copies of each message, and its document has an end; the first lines say what happened. */
const messageCharacters = 4_096;

export function toStatus(status: WireStatus): ObservedStatus {
  return {
    mesosTaskId: status.task_id.value,
    state: status.state satisfies MesosState,
    message: (status.message ?? '').slice(0, messageCharacters),
    reason: status.reason?.replace(/^REASON_/, '') ?? null,
    agentId: status.agent_id?.value ?? null,
    uuid: status.uuid ?? null,
    healthy: status.healthy ?? true,
  };
}
