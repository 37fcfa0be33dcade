import type { ConstraintSpec, GroupSpec } from './placement-spec.ts';

/**
 * What a tenant asked for, normalised: defaults filled in, one spelling for each thing. Stored with the task as `spec`
 * and turned into a Mesos TaskInfo when an attempt is launched. Exactly one of `commands` and `container` is not null.
 */
export interface TaskSpec {
  readonly taskName: string;
  readonly callbackUrl: string | null;
  /** Which states are called back: every state from RUNNING on (as the original did), or end states alone. */
  readonly callbackEvents: 'all' | 'terminal';
  /** A command for the shell; of `argv`, the same in the shell's words, for who is to read it. */
  readonly commands: string | null;
  /**
   * The program to run and its arguments, as they are, without a shell. Absent for a shell command, and in tasks stored
   * before there was such a list; who does not know it runs `commands`, to the same end.
   */
  readonly argv?: readonly string[];
  readonly container: ContainerSpec | null;
  readonly resources: ResourcesSpec;
  readonly env: readonly EnvVariable[];
  /** Arguments of the image's entrypoint; container tasks only. */
  readonly args: readonly string[];
  /** Fetched into the sandbox before the task starts. */
  readonly uris: readonly string[];
  /** How each of `uris` is fetched, in their order. Absent where all are fetched as by default: see `urisOf`. */
  readonly fetching?: readonly FetchSpec[];
  readonly constraints: readonly ConstraintSpec[];
  /** Absent: it has to do with no other task. */
  readonly group?: GroupSpec;
  /** Of two of a tenant's tasks the one with the higher goes first; 0 = normal, 1 = high. */
  readonly priority: number;
  /** How many times the task may be run again after a failure of its own. */
  readonly retry: number;
  /** How long it may wait for room before it ends EXPIRED; null: as long as the operator lets tasks wait. */
  readonly expireSeconds: number | null;
  /** Wall time of an attempt, from RUNNING on; null: no limit. */
  readonly maxRunSeconds: number | null;
  /** Between SIGTERM and SIGKILL when an attempt is killed; null: what the cluster does by itself. */
  readonly killGraceSeconds: number | null;
  /**
   * How long an attempt whose agent is out of reach is waited for before another may start; 0: for ever. null, and absent
   * in tasks stored before it could be said: as long as the scheduler does by itself.
   */
  readonly unreachableSeconds?: number | null;
  /**
   * The tenant's own words on the task, each key once. A list of pairs and no object: keys may hold dots and dollars, and
   * one equality with a pair finds the tasks that have it. Absent in tasks stored before there were labels.
   */
  readonly labels?: readonly LabelSpec[];
}

/** Members in this order: MongoDB tells apart documents by the order of theirs. */
export interface LabelSpec {
  readonly key: string;
  readonly value: string;
}

export interface FetchSpec {
  /** Whether an archive is unpacked into the sandbox, told by the end of its name. */
  readonly extract: boolean;
  /** Whether it is made a program; then it is not unpacked. */
  readonly executable: boolean;
  /** Whether the agent keeps it for the next task that wants the same. */
  readonly cache: boolean;
  /** Its path in the sandbox; null: the last part of the URI's path. */
  readonly outputFile: string | null;
}

/** As Mesos fetches by itself. */
export const plainFetch: FetchSpec = { extract: true, executable: false, cache: false, outputFile: null };

export interface UriSpec extends FetchSpec {
  readonly value: string;
}

/** What is fetched, and how, of a task stored at whatever time. */
export function urisOf({ uris, fetching }: Pick<TaskSpec, 'uris' | 'fetching'>): readonly UriSpec[] {
  return uris.map((value, at) => ({ value, ...(fetching?.[at] ?? plainFetch) }));
}

export interface ResourcesSpec {
  /** "*": any role that the scheduler is subscribed with. */
  readonly role: string;
  readonly cpus: number;
  readonly memMb: number;
  readonly diskMb: number;
  /** Whole GPUs. */
  readonly gpus: number;
  /** How many host ports. */
  readonly ports: number;
}

export interface EnvVariable {
  readonly name: string;
  readonly value: string;
  /** What it holds is for the task alone: in no answer, and in no log. */
  readonly secret?: true;
}

export interface ContainerSpec {
  readonly type: 'DOCKER' | 'MESOS';
  readonly docker: DockerSpec;
  readonly volumes: readonly VolumeSpec[];
}

export interface DockerSpec {
  readonly image: string;
  readonly forcePullImage: boolean;
  readonly privileged: boolean;
  readonly net: 'BRIDGE' | 'HOST' | 'NONE' | 'USER';
  readonly parameters: readonly { readonly key: string; readonly value: string }[];
  readonly portMappings: readonly PortMappingSpec[];
}

export interface PortMappingSpec {
  readonly containerPort: number;
  /** 0: any port of the offer. */
  readonly hostPort: number;
  readonly protocol: 'tcp' | 'udp';
}

export interface VolumeSpec {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly mode: 'RO' | 'RW';
}

/** Host ports a task needs in all: so many of any number, and those of its port mappings. TCP and UDP may share one. */
export function portsNeeded(ports: number, mappings: readonly Pick<PortMappingSpec, 'hostPort'>[]): number {
  const unnamed = mappings.filter(({ hostPort }) => hostPort === 0).length;
  return ports + namedPorts(mappings).length + unnamed;
}

/** The host ports that a task names, each once. */
export function namedPorts(mappings: readonly Pick<PortMappingSpec, 'hostPort'>[]): readonly number[] {
  return [...new Set(mappings.flatMap(({ hostPort }) => (hostPort === 0 ? [] : [hostPort])))];
}
