import type { ContainerInfo, TaskInfo, Volume } from '@juice/mesos';
import { containsRanges } from '../cluster/port-ranges.ts';
import { millisOf, readBag } from '../cluster/resources.ts';

/** Where a task finds its sandbox inside its container, as in Mesos. */
export const sandboxInContainer = '/mnt/mesos/sandbox';

export interface ContainerPlace {
  readonly containerId: string;
  readonly frameworkId: string;
  readonly sandbox: string;
  /** A file with `NAME=value` lines. */
  readonly envFile: string;
  /** Variables that no such line can hold. */
  readonly manyLined: Readonly<Record<string, string>>;
}

export interface ContainerCommand {
  readonly image: string;
  /** Pull even if the image is there. */
  readonly pull: boolean;
  /** Everything after `docker`. */
  readonly run: readonly string[];
}

/** The image a task runs from; null for one that runs as a plain process. */
export function imageOf(
  container: ContainerInfo | undefined,
): { readonly image: string; readonly pull: boolean } | null {
  if (container?.type === 'DOCKER' && container.docker !== undefined) {
    return { image: container.docker.image, pull: container.docker.force_pull_image ?? false };
  }
  const { image } = container?.mesos ?? {};
  return image?.docker === undefined ? null : { image: image.docker.name, pull: image.cached === false };
}

export function containerName(containerId: string): string {
  return `mesos-${containerId}`;
}

/**
 * How Docker (or Podman, which understands the same) runs a task: as Mesos' Docker containerizer asks for it. A text
 * instead says, in its words, why the task cannot be run.
 */
export function buildContainerCommand(task: TaskInfo, place: ContainerPlace): ContainerCommand | string {
  const container = task.container;
  const found = imageOf(container);
  if (container === undefined || found === null) return 'the container has no image';
  const program = programArguments(task);
  const network = networkArguments(task, container);
  const volumes = volumeArguments(container.volumes, place.sandbox);
  if (typeof program === 'string') return program;
  if (typeof network === 'string') return network;
  if (typeof volumes === 'string') return volumes;
  const gpus = millisOf(readBag(task.resources), 'gpus') / 1000;
  if (gpus > 0 && container.type === 'DOCKER') return 'GPUs are not available to Docker containers';
  const { docker } = container;
  const run = [
    'run',
    '--rm',
    ...['--name', containerName(place.containerId)],
    ...labelArguments(task, place),
    ...limitArguments(task),
    ...(docker?.privileged === true ? ['--privileged'] : []),
    // The Mesos containerizer, for which Docker stands in here, hands them out.
    ...(gpus > 0 ? ['--gpus', String(gpus)] : []),
    ...['--env-file', place.envFile],
    ...Object.entries(place.manyLined).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...['--volume', `${place.sandbox}:${sandboxInContainer}`],
    ...volumes,
    ...network,
    ...(docker?.parameters ?? []).map(({ key, value }) => `--${key}=${value}`),
    ...program.options,
    found.image,
    ...program.args,
  ];
  return { ...found, run };
}

function programArguments({ command }: TaskInfo): { options: readonly string[]; args: readonly string[] } | string {
  if (command?.shell ?? true) {
    if (command?.value === undefined) return 'Shell specified but no command value provided';
    return { options: ['--entrypoint', '/bin/sh'], args: ['-c', command.value] };
  }
  const first = command?.value === undefined ? [] : [command.value];
  return { options: [], args: [...first, ...(command?.arguments ?? [])] };
}

function labelArguments(task: TaskInfo, { containerId, frameworkId }: ContainerPlace): string[] {
  const labels = {
    MESOS_TASK_ID: task.task_id.value,
    MESOS_FRAMEWORK_ID: frameworkId,
    MESOS_CONTAINER_ID: containerId,
  };
  return Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
}

/** Mesos' floors: 10 shares, and 4 MB, below which Docker refuses to start a container. */
const minShares = 10;
const minMemoryMb = 4;

function limitArguments(task: TaskInfo): string[] {
  const asked = readBag(task.resources);
  const shares = Math.max(minShares, Math.floor((millisOf(asked, 'cpus') * 1024) / 1000));
  const memMb = millisOf(asked, 'mem') / 1000;
  const { cpus, mem } = task.limits ?? {};
  const limitMb = mem?.value ?? memMb;
  return [
    ...['--cpu-shares', String(shares)],
    ...(cpus !== undefined && Number.isFinite(cpus.value) ? ['--cpus', String(cpus.value)] : []),
    ...(memMb > 0 && Number.isFinite(limitMb) ? ['--memory', bytes(limitMb)] : []),
    ...(memMb > 0 && limitMb > memMb ? ['--memory-reservation', bytes(memMb)] : []),
  ];
}

function bytes(megabytes: number): string {
  return String(Math.floor(Math.max(minMemoryMb, megabytes) * 1024 * 1024));
}

/** A relative host path lies in the sandbox, a relative path of the container in what the sandbox is there. */
function volumeArguments(volumes: readonly Volume[], sandbox: string): string[] | string {
  const written: string[] = [];
  for (const { host_path, source, container_path: path, mode } of volumes) {
    const named = source?.docker_volume?.name;
    const from = host_path ?? source?.host_path?.path ?? named ?? '';
    if (host_path?.startsWith('/') === false && !path.startsWith('/')) {
      return `Both host_path '${host_path}' and container_path '${path}' of a volume are relative`;
    }
    const host = from === named || from.startsWith('/') ? from : `${sandbox}/${from}`;
    const place = path.startsWith('/') ? path : `${sandboxInContainer}/${path}`;
    written.push('--volume', `${host}:${place}:${mode.toLowerCase()}`);
  }
  return written;
}

function networkArguments(task: TaskInfo, container: ContainerInfo): string[] | string {
  const network = container.docker?.network ?? 'HOST';
  const mappings = container.docker?.port_mappings ?? [];
  if (network === 'HOST' && container.hostname !== undefined) {
    return 'Unable to set hostname with host network mode';
  }
  const [named] = container.network_infos;
  if (network === 'USER' && (container.network_infos.length !== 1 || named?.name === undefined)) {
    return 'Only a single named network can be specified in user network mode';
  }
  if (mappings.length > 0 && network !== 'BRIDGE' && network !== 'USER') {
    return 'Port mappings are only supported for bridge and user-defined networks';
  }
  const problem = checkPorts(task, mappings);
  if (problem !== null) return problem;
  return [
    ...['--net', network === 'USER' ? (named?.name ?? '') : network.toLowerCase()],
    ...(container.hostname === undefined ? [] : ['--hostname', container.hostname]),
    ...mappings.flatMap(({ host_port, container_port, protocol }) => [
      '--publish',
      `${host_port}:${container_port}${protocol === undefined ? '' : `/${protocol.toLowerCase()}`}`,
    ]),
  ];
}

function checkPorts(task: TaskInfo, mappings: readonly { readonly host_port: number }[]): string | null {
  if (mappings.length === 0) return null;
  const ports = [...readBag(task.resources).values()].flatMap((amount) =>
    amount.name === 'ports' && amount.type === 'RANGES' ? amount.ranges : [],
  );
  if (ports.length === 0) return 'Port mappings require port resources';
  const foreign = mappings.find(({ host_port: port }) => !containsRanges(ports, [{ begin: port, end: port }]));
  return foreign === undefined ? null : `Port [${foreign.host_port}] not included in resources`;
}
