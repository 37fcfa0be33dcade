import type { Draft, Offer, Resource } from '@juice/mesos';

/** What a task takes of an offer, as resources of a TaskInfo, and the host ports among them in ascending order. */
export interface Taken {
  readonly resources: readonly Draft<Resource>[];
  readonly ports: readonly number[];
}

export interface Want {
  readonly cpuMillis: number;
  readonly memMb: number;
  readonly diskMb: number;
  readonly gpus: number;
  /** Host ports by number, and how many more of any number. */
  readonly hostPorts: readonly number[];
  readonly anyPorts: number;
}

/**
 * Takes concrete resources out of the offers of one agent and role, task by task: reserved ones before unreserved ones, each
 * with the reservations and the allocation role it was offered with. Scalars are counted in thousandths, as Mesos compares
 * them. `spoken` are ports that some task names: no other is given them.
 */
export function createOfferPurse(
  offers: readonly Offer[],
  spoken: ReadonlySet<number>,
): { take(want: Want): Taken | null } {
  const left = offers
    .flatMap(({ resources }) => resources)
    .filter(
      (resource) => resource.revocable === undefined && resource.disk === undefined && resource.shared === undefined,
    )
    .sort((a, b) => b.reservations.length - a.reservations.length)
    .map((resource) => ({
      resource,
      milli: Math.round((resource.scalar?.value ?? 0) * 1000),
      ports: (resource.ranges?.range ?? []).flatMap(({ begin, end }) => span(begin, end)),
    }));

  function takeScalar(name: string, milli: number, into: Draft<Resource>[]): boolean {
    let missing = milli;
    for (const part of left) {
      if (missing === 0) break;
      if (part.resource.name !== name || part.milli === 0) continue;
      const taken = Math.min(part.milli, missing);
      part.milli -= taken;
      missing -= taken;
      into.push({ ...part.resource, type: 'SCALAR', scalar: { value: taken / 1000 } });
    }
    return missing === 0;
  }

  function takePorts(hostPorts: readonly number[], anyPorts: number, into: Draft<Resource>[]): number[] | null {
    const wanted = new Set(hostPorts);
    let missing = anyPorts;
    const all: number[] = [];
    for (const part of left) {
      if (part.resource.name !== 'ports') continue;
      const named = part.ports.filter((port) => wanted.delete(port));
      const any = part.ports.filter((port) => !named.includes(port) && !spoken.has(port)).slice(0, missing);
      missing -= any.length;
      const gone = new Set([...named, ...any]);
      part.ports = part.ports.filter((port) => !gone.has(port));
      const taken = [...named, ...any].sort((a, b) => a - b);
      if (taken.length === 0) continue;
      all.push(...taken);
      const range = taken.map((port) => ({ begin: port, end: port }));
      into.push({ ...part.resource, type: 'RANGES', ranges: { range } });
    }
    return wanted.size === 0 && missing === 0 ? all.sort((a, b) => a - b) : null;
  }

  return {
    /** Null when the offer does not hold it: then nothing is taken. */
    take(want) {
      const before = left.map(({ milli, ports }) => ({ milli, ports }));
      const resources: Draft<Resource>[] = [];
      const scalars =
        takeScalar('cpus', want.cpuMillis, resources) &&
        takeScalar('mem', want.memMb * 1000, resources) &&
        takeScalar('disk', want.diskMb * 1000, resources) &&
        takeScalar('gpus', want.gpus * 1000, resources);
      const ports = takePorts(want.hostPorts, want.anyPorts, resources);
      if (scalars && ports !== null) return { resources, ports };
      left.forEach((part, at) => Object.assign(part, before[at]));
      return null;
    },
  };
}

/** No agent offers more ports than there are. */
function span(begin: number, end: number): number[] {
  const length = Math.min(Math.max(0, end - begin + 1), 65_536);
  return Array.from({ length }, (_, at) => begin + at);
}
