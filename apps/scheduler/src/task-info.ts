import { urisOf, type ContainerSpec, type DockerSpec, type TaskId, type TaskSpec } from '@juice/contracts';
import type { CommandInfo, CommandInfoURI, ContainerInfo, Draft, TaskInfo } from '@juice/mesos';
import type { Taken, Want } from './offer-purse.ts';

/** What a spec takes of an offer. Memory and disk are rounded up to whole megabytes, as the core counts them. */
export function wantOf(spec: TaskSpec): Want {
  const { cpus, memMb, diskMb, gpus, ports } = spec.resources;
  const mapped = (spec.container?.docker.portMappings ?? []).map(({ hostPort }) => hostPort);
  // Mappings for TCP and UDP may share one.
  const hostPorts = [...new Set(mapped.filter((port) => port !== 0))];
  return {
    cpuMillis: Math.round(cpus * 1000),
    memMb: Math.ceil(memMb),
    diskMb: Math.ceil(diskMb),
    gpus,
    hostPorts,
    anyPorts: ports + mapped.filter((port) => port === 0).length,
  };
}

/**
 * The TaskInfo of an attempt. The host ports it was given are in its environment as PORTS and PORT0, PORT1, … What the
 * spec cannot tell, for it was stored before it could be said, is left to Mesos.
 */
export function buildTaskInfo(facts: {
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly mesosTaskId: string;
  readonly agentId: string;
  readonly spec: TaskSpec;
  readonly taken: Taken;
}): Draft<TaskInfo> {
  const { spec, taken } = facts;
  return {
    name: spec.taskName,
    task_id: { value: facts.mesosTaskId },
    agent_id: { value: facts.agentId },
    resources: taken.resources,
    ...(typeof spec.maxRunSeconds === 'number' && { max_completion_time: duration(spec.maxRunSeconds) }),
    ...(typeof spec.killGraceSeconds === 'number' && {
      kill_policy: { grace_period: duration(spec.killGraceSeconds) },
    }),
    labels: {
      labels: [
        { key: 'juice_task_id', value: String(facts.taskId) },
        { key: 'juice_tenant_id', value: facts.tenantId },
        ...(spec.labels ?? []).map(({ key, value }) => ({ key, value })),
      ],
    },
    command: {
      environment: {
        variables: [...spec.env, ...portVariables(taken.ports)].map(({ name, value }) => ({ name, value })),
      },
      uris: uriInfos(spec),
      ...programInfo(spec),
    },
    ...(spec.container !== null && { container: containerInfo(spec.container, taken.ports) }),
  };
}

/** An image's entrypoint with the spec's args; a program, which is also the first of its own arguments; `sh -c`. */
function programInfo({ container, argv, commands, args }: TaskSpec): Draft<CommandInfo> {
  if (container !== null) return { shell: false, arguments: args };
  const [program] = argv ?? [];
  if (program !== undefined) return { shell: false, value: program, arguments: argv ?? [] };
  return { shell: true, value: commands ?? '' };
}

function uriInfos(spec: TaskSpec): Draft<CommandInfoURI>[] {
  return urisOf(spec).map(({ value, extract, executable, cache, outputFile }) => ({
    ...{ value, extract, executable, cache },
    ...(outputFile !== null && { output_file: outputFile }),
  }));
}

function duration(seconds: number): { nanoseconds: number } {
  return { nanoseconds: seconds * 1e9 };
}

function portVariables(ports: readonly number[]): { name: string; value: string }[] {
  if (ports.length === 0) return [];
  const numbered = ports.map((port, at) => ({ name: `PORT${at}`, value: String(port) }));
  return [{ name: 'PORTS', value: ports.join(',') }, ...numbered];
}

function containerInfo(container: ContainerSpec, ports: readonly number[]): Draft<ContainerInfo> {
  const { docker } = container;
  const volumes = container.volumes.map(({ containerPath, hostPath, mode }) => ({
    container_path: containerPath,
    host_path: hostPath,
    mode,
  }));
  if (container.type === 'MESOS') {
    const image = { type: 'DOCKER' as const, docker: { name: docker.image }, cached: !docker.forcePullImage };
    return { type: 'MESOS', mesos: { image }, volumes };
  }
  return {
    type: 'DOCKER',
    volumes,
    docker: {
      image: docker.image,
      network: docker.net,
      privileged: docker.privileged,
      force_pull_image: docker.forcePullImage,
      parameters: docker.parameters.filter(({ key }) => docker.net !== 'USER' || !namesNetwork(key)),
      port_mappings: mapPorts(docker.portMappings, ports),
    },
    network_infos: docker.net === 'USER' ? [{ name: userNetwork(docker.parameters) }] : [],
  };
}

/** Mappings that named their host port keep it; the others take, in order, what is left of the ports taken. */
function mapPorts(
  mappings: ContainerSpec['docker']['portMappings'],
  ports: readonly number[],
): { host_port: number; container_port: number; protocol: string }[] {
  const named = new Set(mappings.map(({ hostPort }) => hostPort));
  const free = ports.filter((port) => !named.has(port));
  return mappings.map(({ hostPort, containerPort, protocol }) => ({
    host_port: hostPort === 0 ? (free.shift() ?? 0) : hostPort,
    container_port: containerPort,
    protocol,
  }));
}

/**
 * Mesos wants the network's name beside the kind USER; a tenant gives it as the docker parameter it would be, which must
 * not reach docker too: it would join the network twice.
 */
function userNetwork(parameters: DockerSpec['parameters']): string {
  return parameters.find(({ key }) => namesNetwork(key))?.value ?? 'bridge';
}

function namesNetwork(option: string): boolean {
  return option === 'network' || option === 'net';
}
