import type { ResourceNeeds } from '@juice/contracts';

/** Amounts of what is counted, in the core's integers. */
export interface Amounts {
  cpuMillis: number;
  memMb: number;
  diskMb: number;
  gpus: number;
  ports: number;
}

export const resourceNames = ['cpuMillis', 'memMb', 'diskMb', 'gpus', 'ports'] as const;
export type ResourceName = (typeof resourceNames)[number];

export function nothing(): Amounts {
  return { cpuMillis: 0, memMb: 0, diskMb: 0, gpus: 0, ports: 0 };
}

/** Adds `times` times (−1: takes away) what is given. */
export function add(to: Amounts, what: Readonly<Amounts>, times: 1 | -1 = 1): void {
  to.cpuMillis += times * what.cpuMillis;
  to.memMb += times * what.memMb;
  to.diskMb += times * what.diskMb;
  to.gpus += times * what.gpus;
  to.ports += times * what.ports;
}

export function holds(room: Readonly<Amounts>, needs: ResourceNeeds): boolean {
  return (
    needs.cpuMillis <= room.cpuMillis &&
    needs.memMb <= room.memMb &&
    needs.diskMb <= room.diskMb &&
    needs.gpus <= room.gpus &&
    needs.ports <= room.ports
  );
}

/** The largest part that something takes of a whole, over what tenants compete for; parts of what there is none of do not count. */
export function dominantShare(part: Readonly<Amounts>, whole: Readonly<Amounts>): number {
  return Math.max(
    whole.cpuMillis > 0 ? part.cpuMillis / whole.cpuMillis : 0,
    whole.memMb > 0 ? part.memMb / whole.memMb : 0,
    whole.gpus > 0 ? part.gpus / whole.gpus : 0,
  );
}
