import { posix } from 'node:path';
import type { ContainerSpec, DockerSpec, TaskSpec } from '@juice/contracts';
import type { Problem } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/** Where Mesos puts a task's sandbox inside its container. */
const sandbox = '/mnt/mesos/sandbox';

/**
 * What Mesos would refuse or ignore of a container, or what could only fail on the agent: said before the task is stored.
 * A container of type MESOS has no use for most of `docker`: the Mesos containerizer takes the image and the volumes, and
 * leaves it in the network of its agent.
 */
export function checkContainer(spec: TaskSpec): Problem[] {
  const { container } = spec;
  if (container === null) return [];
  return [
    ...(container.type === 'MESOS' ? checkMesosType(container.docker) : checkDockerType(spec, container.docker)),
    ...checkPorts(container),
    ...checkVolumes(container),
  ];
}

function wrong(member: string, right: string, value: unknown): Problem {
  const shown = shortenValue(value);
  return { member, code: 'OBJECT_NOT_EQUAL', message: `${member} must be ${right}, not ${shown}`, value: shown };
}

function checkMesosType({ privileged, net, parameters }: DockerSpec): Problem[] {
  const problems: Problem[] = [];
  if (privileged) problems.push(wrong('container.docker.privileged', 'false with type MESOS: it is docker’s', true));
  if (net === 'NONE' || net === 'USER') {
    const right = 'absent, or HOST, with type MESOS: such a container is in the network of its agent';
    problems.push(wrong('container.docker.net', right, net));
  }
  if (parameters.length > 0) {
    const right = 'empty with type MESOS: they are options of docker’s command line';
    problems.push(wrong('container.docker.parameters', right, parameters));
  }
  return problems;
}

function checkDockerType({ resources }: TaskSpec, docker: DockerSpec): Problem[] {
  const problems: Problem[] = [];
  if (resources.gpus > 0) {
    problems.push(wrong('resources.gpus', '0 with a container of type DOCKER: GPUs need type MESOS', resources.gpus));
  }
  return [...problems, ...checkParameters(docker), ...checkUserNetwork(docker)];
}

function checkParameters({ net, parameters }: DockerSpec): Problem[] {
  return parameters.flatMap(({ key }, at): Problem[] => {
    const member = `container.docker.parameters[${at}].key`;
    if (key === 'name') return [wrong(member, 'another option: the agent names its containers itself', key)];
    if (isNetwork(key) && net !== 'USER') {
      return [wrong(member, `another option where net is ${net}: a network is named with net USER`, key)];
    }
    return [];
  });
}

/** A network that only docker knows is named by the option that docker has for it; net says the others. */
function checkUserNetwork({ net, parameters }: DockerSpec): Problem[] {
  if (net !== 'USER') return [];
  const named = parameters.map(({ key, value }, at) => ({ key, value, at })).filter(({ key }) => isNetwork(key));
  const [first] = named;
  if (first === undefined || named.length > 1) {
    const member = 'container.docker.parameters';
    const message = `${member} must name one network with net USER, as {"key":"network","value":"<name>"}, not ${named.length}`;
    return [{ member, code: 'OBJECT_NOT_EQUAL', message }];
  }
  const isName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(first.value) && first.value !== 'host';
  if (isName) return [];
  const right = 'the name of a network that was made with docker; the host’s is net HOST';
  return [wrong(`container.docker.parameters[${first.at}].value`, right, first.value)];
}

function isNetwork(option: string): boolean {
  return option === 'network' || option === 'net';
}

function checkPorts({ type, docker: { net, portMappings } }: ContainerSpec): Problem[] {
  const member = 'container.docker.portMappings';
  if (portMappings.length === 0) return [];
  if (type === 'MESOS') {
    const right =
      'empty with type MESOS: such a container is in the network of its agent, and resources.ports gives it ports';
    return [wrong(member, right, portMappings)];
  }
  if (net !== 'BRIDGE' && net !== 'USER') {
    const message = `${member} must be empty when net is ${net}: ports are mapped with BRIDGE and USER only`;
    return [{ member, code: 'OBJECT_NOT_EQUAL', message }];
  }
  // One host port may lead to two container ports, of TCP and of UDP.
  const taken = new Set<string>();
  return portMappings.flatMap(({ hostPort, protocol }, at): Problem[] => {
    const port = `${hostPort}/${protocol}`;
    if (hostPort === 0 || !taken.has(port)) {
      taken.add(port);
      return [];
    }
    return [wrong(`${member}[${at}].hostPort`, `a port that is mapped once for ${protocol}`, hostPort)];
  });
}

function checkVolumes({ type, volumes }: ContainerSpec): Problem[] {
  const places = new Set<string>();
  return volumes.flatMap(({ containerPath, hostPath }, at): Problem[] => {
    const member = `container.volumes[${at}].containerPath`;
    const place = placeOf(containerPath);
    const isRepeated = places.has(place);
    places.add(place);
    if (place === '/' || place === sandbox) {
      return [wrong(member, 'a path below the root, or inside the sandbox', containerPath)];
    }
    if (isRepeated) return [wrong(member, 'a path that no other volume has', containerPath)];
    // Docker's command line separates the two paths and the mode by colons.
    if (type === 'DOCKER' && containerPath.includes(':')) return [wrong(member, 'a path without ":"', containerPath)];
    if (type === 'DOCKER' && hostPath.includes(':')) {
      return [wrong(`container.volumes[${at}].hostPath`, 'a path without ":"', hostPath)];
    }
    return [];
  });
}

/** Where it is in the container: a relative path is inside the sandbox. */
function placeOf(containerPath: string): string {
  return posix.resolve(sandbox, containerPath);
}
