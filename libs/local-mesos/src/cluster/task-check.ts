import type { CommandInfo, ContainerInfo, Environment, Resource, TaskInfo, Volume } from '@juice/mesos';
import type { Agent, Framework } from './cluster-state.ts';
import { checkId } from './id-check.ts';
import { containsBag, describeBag, millisOf, type Bag } from './resources.ts';

/** Where a task is to be launched: the master's checks depend on it. */
export interface LaunchPlace {
  readonly framework: Framework;
  readonly agent: Agent;
  readonly role: string;
  /** What the accepted offers still hold. */
  readonly available: Bag;
  /** What the task asks for. */
  readonly wanted: Bag;
}

/** What the master says of a task it does not launch, in its order and words; null when the task is fine. */
export function checkTask(task: TaskInfo, place: LaunchPlace): string | null {
  return (
    checkId(task.task_id.value) ??
    checkUnique(task.task_id.value, place.framework) ??
    checkAgent(task, place.agent) ??
    checkDurations(task) ??
    checkHealthChecks(task) ??
    checkResources(task.resources, place) ??
    within("Task's `CommandInfo` is invalid", task.command === undefined ? null : checkCommand(task.command)) ??
    within("Task's `ContainerInfo` is invalid", task.container === undefined ? null : checkContainer(task.container)) ??
    checkLimits(task, place.wanted) ??
    checkExecutor(task) ??
    checkRoom(task, place)
  );
}

function within(prefix: string, problem: string | null): string | null {
  return problem === null ? null : `${prefix}: ${problem}`;
}

function checkUnique(id: string, framework: Framework): string | null {
  if (framework.tasks.has(id)) return `Task has duplicate ID: ${id}`;
  if (framework.unreachable.has(id)) return `Task reuses the ID of an unreachable task: ${id}`;
  return null;
}

function checkAgent(task: TaskInfo, agent: Agent): string | null {
  if (task.agent_id.value === agent.id) return null;
  return `Task uses invalid agent ${task.agent_id.value} while agent ${agent.id} is expected`;
}

function checkDurations(task: TaskInfo): string | null {
  if ((task.kill_policy?.grace_period?.nanoseconds ?? 0) < 0) {
    return "Task's 'kill_policy.grace_period' must be non-negative";
  }
  if ((task.max_completion_time?.nanoseconds ?? 0) < 0) return "Task's `max_completion_time` must be non-negative";
  return null;
}

function checkHealthChecks({ check, health_check: health }: TaskInfo): string | null {
  if (check !== undefined && check.type === undefined) return "Task uses invalid check: CheckInfo must specify 'type'";
  if (health === undefined) return null;
  if (health.type === undefined) return "Task uses invalid health check: HealthCheck must specify 'type'";
  const needed = { COMMAND: health.command, HTTP: health.http, TCP: health.tcp, UNKNOWN: undefined }[health.type];
  if (needed !== undefined) return null;
  const name = health.type.toLowerCase();
  return health.type === 'UNKNOWN'
    ? "Task uses invalid health check: 'UNKNOWN' is not a valid health check type"
    : `Task uses invalid health check: Expecting '${name}' to be set for ${health.type} health check`;
}

function checkResources(resources: readonly Resource[], { role, wanted }: LaunchPlace): string | null {
  if (resources.length === 0) return 'Task uses no resources';
  for (const resource of resources) {
    const problem = checkResource(resource);
    if (problem !== null) return `Task uses invalid resources: Invalid resources: ${problem}`;
  }
  if (millisOf(wanted, 'gpus') % 1000 !== 0) {
    return "Task uses invalid resources: Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer";
  }
  const roles = new Set(resources.map((resource) => resource.allocation_info?.role ?? role));
  if (roles.size > 1) {
    const [first, second] = roles;
    return `Invalid task resources: The resources have multiple allocation roles ('${second}' and '${first}') but only one allocation role is allowed`;
  }
  return null;
}

function checkResource(resource: Resource): string | null {
  const shown = `${resource.name}`;
  if (resource.name === '') return 'Empty resource name';
  const value = { SCALAR: resource.scalar, RANGES: resource.ranges, SET: resource.set, TEXT: undefined }[resource.type];
  if (resource.type === 'TEXT') return `Resource '${shown}' is invalid: Unsupported resource type`;
  if (value === undefined) return `Resource '${shown}' is invalid: Invalid ${resource.type.toLowerCase()} resource`;
  if (resource.type === 'SCALAR' && (resource.scalar?.value ?? 0) < 0) {
    return `Resource '${shown}' is invalid: Invalid scalar resource: value < 0`;
  }
  return null;
}

function checkCommand(command: CommandInfo): string | null {
  return command.environment === undefined ? null : checkEnvironment(command.environment);
}

function checkEnvironment(environment: Environment): string | null {
  for (const { name, type = 'VALUE', value, secret } of environment.variables) {
    if (type === 'UNKNOWN') return "Environment variable of type 'UNKNOWN' is not allowed";
    const [wanted, other] = type === 'VALUE' ? [value, secret] : [secret, value];
    const [wantedName, otherName] = type === 'VALUE' ? ['value', 'secret'] : ['secret', 'value'];
    if (wanted === undefined) return `Environment variable '${name}' of type '${type}' must have a ${wantedName} set`;
    if (other !== undefined) return `Environment variable '${name}' of type '${type}' must not have a ${otherName} set`;
  }
  return null;
}

function checkContainer(container: ContainerInfo): string | null {
  for (const volume of container.volumes) {
    const problem = checkVolume(volume);
    if (problem !== null) return `Invalid volume: ${problem}`;
  }
  if (container.type !== 'DOCKER') return null;
  if (container.docker === undefined) return "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo";
  const named = container.docker.parameters.some((parameter) => parameter.key === 'name');
  return named ? "Parameter in DockerInfo must not be 'name'" : null;
}

function checkVolume(volume: Volume): string | null {
  const set = [volume.host_path, volume.image, volume.source].filter((member) => member !== undefined);
  return set.length === 1 ? null : "Only one of them should be set: 'host_path', 'image' and 'source'";
}

function checkLimits(task: TaskInfo, wanted: Bag): string | null {
  const limits = task.limits ?? {};
  if (Object.keys(limits).some((name) => name !== 'cpus' && name !== 'mem')) {
    return "Only cpus and mem may be included in a task's resource limits";
  }
  for (const [name, long, short] of [
    ['cpus', 'CPU', 'cpu'],
    ['mem', 'memory', 'memory'],
  ] as const) {
    const limit = limits[name]?.value;
    if (limit === undefined) continue;
    if (millisOf(wanted, name) === 0)
      return `When a ${long} limit is specified, a ${long} request must also be specified`;
    if (limit * 1000 < millisOf(wanted, name)) {
      return `The ${short} limit must be greater than or equal to the ${short} request`;
    }
  }
  return null;
}

function checkExecutor(task: TaskInfo): string | null {
  if ((task.executor === undefined) === (task.command === undefined)) {
    return 'Task should have at least one (but not both) of CommandInfo or ExecutorInfo present';
  }
  // A real master would launch it; the agents here have no executor of their own to be joined.
  return task.executor === undefined ? null : 'Custom executors are not supported by this cluster';
}

function checkRoom(task: TaskInfo, { role, available, wanted }: LaunchPlace): string | null {
  const foreign = task.resources.find((resource) => (resource.allocation_info?.role ?? role) !== role);
  if (foreign === undefined && containsBag(available, wanted)) return null;
  const shown = describeBag(wanted, foreign?.allocation_info?.role ?? role);
  return `Total resources ${shown} required by task and its executor is more than available ${describeBag(available, role, 'offer')}`;
}
