import type { Attribute, Resource, ResourceReservationInfo } from '@juice/mesos';

/** An agent to have: what it offers. */
export interface AgentSpec {
  /** What offers call it; by default the host it listens on. */
  readonly hostname?: string;
  readonly cpus: number;
  readonly memMb: number;
  readonly diskMb: number;
  readonly gpus?: number;
  /** Host ports, both ends included. */
  readonly ports?: readonly [begin: number, end: number];
  /** A text, or a scalar. */
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** Beside the above: what only a role may use. */
  readonly reservations?: readonly {
    readonly role: string;
    readonly cpus?: number;
    readonly memMb?: number;
    readonly diskMb?: number;
  }[];
}

export function agentResources(spec: AgentSpec): readonly Resource[] {
  const { cpus, memMb, diskMb, gpus = 0, ports, reservations = [] } = spec;
  return [
    ...reservations.flatMap((reserved) => scalars({ ...reserved, gpus: 0 }, [{ type: 'STATIC', role: reserved.role }])),
    ...(ports === undefined ? [] : [portsResource(ports)]),
    ...scalars({ cpus, memMb, diskMb, gpus }, []),
  ];
}

interface Scalars {
  readonly cpus?: number;
  readonly memMb?: number;
  readonly diskMb?: number;
  readonly gpus?: number;
}

function scalars(amounts: Scalars, reservations: readonly ResourceReservationInfo[]): Resource[] {
  const named = { cpus: amounts.cpus, mem: amounts.memMb, disk: amounts.diskMb, gpus: amounts.gpus };
  return Object.entries(named).flatMap(([name, value = 0]) =>
    value > 0 ? [{ name, type: 'SCALAR' as const, scalar: { value }, reservations }] : [],
  );
}

function portsResource([begin, end]: readonly [number, number]): Resource {
  return { name: 'ports', type: 'RANGES', ranges: { range: [{ begin, end }] }, reservations: [] };
}

export function agentAttributes({ attributes = {} }: AgentSpec): readonly Attribute[] {
  return Object.entries(attributes).map(([name, value]) =>
    typeof value === 'number' ? { name, type: 'SCALAR', scalar: { value } } : { name, type: 'TEXT', text: { value } },
  );
}
