import type { Resource, ResourceReservationInfo } from '@juice/mesos';
import { addRanges, containsRanges, normalizeRanges, subtractRanges, type Ranges } from './port-ranges.ts';

/**
 * An amount of resources, calculated as Mesos does: scalars as integers of a thousandth (so 0.1 + 0.2 is 0.3), ports as
 * ranges, and every reservation apart from the unreserved. A bag is never changed once made.
 */
export type Bag = ReadonlyMap<string, Amount>;

export type Amount = Kind & { readonly name: string; readonly reservations: readonly ResourceReservationInfo[] };
type Kind =
  | { readonly type: 'SCALAR'; readonly millis: number }
  | { readonly type: 'RANGES'; readonly ranges: Ranges }
  | { readonly type: 'SET'; readonly items: readonly string[] };

export const emptyBag: Bag = new Map();

/** Mesos' order in offers: reservations first, then ports and the scalars. */
const offerOrder = ['ports', 'cpus', 'gpus', 'mem', 'disk'];

/**
 * Reads Mesos resources, in either format (`reservations`, or the older `role` and `reservation`). Allocation roles are
 * not kept: the caller knows whose they are. Resources that no agent here has (revocable, persistent, shared, of a
 * provider) get a key of their own and are thus contained in nothing.
 */
export function readBag(resources: readonly Resource[]): Bag {
  const bag = new Map<string, Amount>();
  for (const resource of resources) {
    const reservations = reservationsOf(resource);
    const { disk, revocable, shared, provider_id } = resource;
    const special = disk || revocable || shared || provider_id ? { disk, revocable, shared, provider_id } : null;
    const key = bagKey(resource.name, reservations) + (special === null ? '' : JSON.stringify(special));
    const amount = { ...readKind(resource), name: resource.name, reservations };
    const known = bag.get(key);
    bag.set(key, known === undefined ? amount : combine(known, amount));
  }
  return withoutEmpty(bag);
}

function reservationsOf(resource: Resource): readonly ResourceReservationInfo[] {
  if ((resource.reservations ?? []).length > 0) return resource.reservations;
  if (resource.role === undefined || resource.role === '*') return [];
  if (resource.reservation === undefined) return [{ type: 'STATIC', role: resource.role }];
  return [{ ...resource.reservation, type: 'DYNAMIC', role: resource.role }];
}

function readKind(resource: Resource): Kind {
  if (resource.type === 'RANGES') return { type: 'RANGES', ranges: normalizeRanges(resource.ranges?.range ?? []) };
  if (resource.type === 'SET') return { type: 'SET', items: resource.set?.item ?? [] };
  return { type: 'SCALAR', millis: Math.round((resource.scalar?.value ?? 0) * 1000) };
}

function bagKey(name: string, reservations: readonly ResourceReservationInfo[]): string {
  if (reservations.length === 0) return name;
  return `${name} ${JSON.stringify(reservations.map(({ type, role, principal, labels }) => [type, role, principal, labels]))}`;
}

export function addBags(a: Bag, b: Bag): Bag {
  const sum = new Map(a);
  for (const [key, amount] of b) {
    const known = sum.get(key);
    sum.set(key, known === undefined ? amount : combine(known, amount));
  }
  return sum;
}

function combine(a: Amount, b: Amount): Amount {
  if (a.type === 'SCALAR' && b.type === 'SCALAR') return { ...a, millis: a.millis + b.millis };
  if (a.type === 'RANGES' && b.type === 'RANGES') return { ...a, ranges: addRanges(a.ranges, b.ranges) };
  if (a.type === 'SET' && b.type === 'SET') return { ...a, items: [...new Set([...a.items, ...b.items])] };
  return a;
}

/** What is left of `from`; parts of `taken` that are not in it are ignored (check with `containsBag` first). */
export function subtractBags(from: Bag, taken: Bag): Bag {
  const left = new Map(from);
  for (const [key, amount] of taken) {
    const known = left.get(key);
    if (known?.type === 'SCALAR' && amount.type === 'SCALAR') {
      left.set(key, { ...known, millis: known.millis - amount.millis });
    } else if (known?.type === 'RANGES' && amount.type === 'RANGES') {
      left.set(key, { ...known, ranges: subtractRanges(known.ranges, amount.ranges) });
    }
  }
  return withoutEmpty(left);
}

function withoutEmpty(bag: Map<string, Amount>): Bag {
  for (const [key, amount] of bag) {
    if (amount.type === 'SCALAR' ? amount.millis <= 0 : amount.type === 'RANGES' && amount.ranges.length === 0) {
      bag.delete(key);
    }
  }
  return bag;
}

export function containsBag(whole: Bag, part: Bag): boolean {
  for (const [key, amount] of part) {
    const known = whole.get(key);
    if (known === undefined) return false;
    if (amount.type === 'SCALAR' && !(known.type === 'SCALAR' && amount.millis <= known.millis)) return false;
    if (amount.type === 'RANGES' && !(known.type === 'RANGES' && containsRanges(known.ranges, amount.ranges))) {
      return false;
    }
    if (amount.type === 'SET') return false;
  }
  return true;
}

/** The unreserved part, and what is reserved for the role or for one it lies below (`a/b` may use what is `a`'s). */
export function bagForRole(bag: Bag, role: string): Bag {
  const part = new Map<string, Amount>();
  for (const [key, amount] of bag) {
    const owner = amount.reservations.at(-1)?.role;
    if (owner === undefined || owner === role || role.startsWith(`${owner}/`)) part.set(key, amount);
  }
  return part;
}

/** The sum of a scalar over all reservations, in thousandths. */
export function millisOf(bag: Bag, name: string): number {
  let sum = 0;
  for (const amount of bag.values()) if (amount.type === 'SCALAR' && amount.name === name) sum += amount.millis;
  return sum;
}

/** How a framework wants resources written: which format, and whether it understands allocation roles. */
export interface ResourceFormat {
  readonly role: string;
  readonly refined: boolean;
  readonly multiRole: boolean;
}

/** As an offer carries them. */
export function writeBag(bag: Bag, format: ResourceFormat): Resource[] {
  return ordered(bag).map((amount) => ({
    name: amount.name,
    type: amount.type,
    ...(amount.type === 'SCALAR' ? { scalar: { value: amount.millis / 1000 } } : {}),
    ...(amount.type === 'RANGES' ? { ranges: { range: amount.ranges } } : {}),
    ...(format.multiRole ? { allocation_info: { role: format.role } } : {}),
    ...(format.refined ? {} : { role: amount.reservations.at(-1)?.role ?? '*' }),
    reservations: format.refined ? amount.reservations : [],
  }));
}

function ordered(bag: Bag): Amount[] {
  const rank = (amount: Amount): number =>
    (amount.reservations.length > 0 ? 0 : 10) + ((offerOrder.indexOf(amount.name) + 10) % 10);
  return [...bag.values()].sort((a, b) => rank(a) - rank(b));
}

/** As Mesos prints resources in its messages: `cpus(allocated: juice):7.9; mem(allocated: juice):8160`. */
export function describeBag(bag: Bag, role: string, order: 'offer' | 'given' = 'given'): string {
  const amounts = order === 'offer' ? ordered(bag) : [...bag.values()];
  return amounts.map((amount) => `${describeName(amount, role)}:${describeValue(amount)}`).join('; ');
}

function describeName(amount: Amount, role: string): string {
  const reservations = amount.reservations.map(({ type, role: owner }) => `(${type},${owner})`);
  const reserved = reservations.length === 0 ? '' : `(reservations: [${reservations.join(',')}])`;
  return `${amount.name}(allocated: ${role})${reserved}`;
}

function describeValue(amount: Amount): string {
  if (amount.type === 'SCALAR') return String(amount.millis / 1000);
  if (amount.type === 'SET') return `{${amount.items.join(', ')}}`;
  return `[${amount.ranges.map(({ begin, end }) => `${begin}-${end}`).join(', ')}]`;
}
