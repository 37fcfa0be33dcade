import {
  plainFetch,
  requestLimits,
  type ConstraintSpec,
  type ContainerSpec,
  type EnvVariable,
  type FetchSpec,
  type LabelSpec,
  type SubmitRequest,
  type TaskSpec,
} from '@juice/contracts';
import { quoteCommand } from './quote-command.ts';
import type { Problem } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/** What a task gets when it does not say, and the least it can have; amounts as in ResourcesSpec. */
export interface ResourceDefaults {
  readonly cpus: number;
  readonly memMb: number;
  readonly leastCpus: number;
  readonly leastMemMb: number;
}

/**
 * What is wrong across members of a body, whatever else may be wrong within them: neither or both of `container` and
 * `commands`, arguments without a container. Takes the raw body, so that it is said together with the rest.
 */
export function checkMembersTogether(body: unknown): Problem[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return [];
  const { container, commands, args } = body as Record<string, unknown>;
  const hasContainer = container !== undefined && container !== null;
  const hasCommands = isGiven(commands);
  const problems: Problem[] = [];
  if (!hasContainer && !hasCommands) {
    const message = 'exactly one of container and commands must be given, not neither of them';
    problems.push({ member: 'container, commands', code: 'OBJECT_NOT_NULL', message });
  }
  if (hasContainer && hasCommands) {
    const message = 'exactly one of container and commands must be given, not both of them';
    problems.push({ member: 'container, commands', code: 'OBJECT_NOT_EQUAL', message });
  }
  if (!hasContainer && hasCommands && Array.isArray(args) && args.length > 0) {
    const message = 'args must be given with a container only: commands is a whole command line';
    problems.push({ member: 'args', code: 'INIT_OBJECT', message });
  }
  return problems;
}

/** A blank text is as good as none. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === '');
}

/** A well-formed request with its defaults filled in, in one spelling; or what contradicts itself in it. `callbackEvents`: its tenant's. */
export function normaliseTask(
  request: SubmitRequest,
  defaults: ResourceDefaults,
  callbackEvents: TaskSpec['callbackEvents'] = 'all',
): { readonly spec: TaskSpec; readonly problems: readonly Problem[] } {
  const { variables, problems } = joinEnv(request);
  const { labels, repeated } = readLabels(request);
  const container = readContainer(request);
  const { resources } = request;
  const spec: TaskSpec = {
    taskName: request.taskName,
    callbackUrl: textOr(request.callbackUrl, null),
    callbackEvents: request.callbackEvents ?? callbackEvents,
    ...(container === null ? readCommands(request) : { commands: null }),
    container,
    resources: {
      role: textOr(resources?.role, '*'),
      // Mesos compares at three decimals; rounded up, so that nobody gets less than was asked for.
      cpus: roundUp(Math.max(resources?.cpu ?? defaults.cpus, defaults.leastCpus), 3),
      memMb: roundUp(Math.max(resources?.mem ?? defaults.memMb, defaults.leastMemMb), 0),
      diskMb: roundUp(resources?.disk ?? 0, 0),
      gpus: resources?.gpus ?? 0,
      ports: resources?.ports ?? 0,
    },
    env: variables,
    args: request.args ?? [],
    ...readUris(request),
    constraints: listOf(request.constraints).map(readConstraint),
    ...readGroup(request),
    priority: readPriority(request),
    retry: request.retry ?? 0,
    expireSeconds: request.expireSeconds ?? null,
    maxRunSeconds: request.maxRunSeconds ?? null,
    killGraceSeconds: request.killGraceSeconds ?? null,
    unreachableSeconds: request.unreachableSeconds ?? null,
    labels,
  };
  return { spec, problems: [...problems, ...repeated] };
}

type ConstraintRequest = Exclude<NonNullable<SubmitRequest['constraints']>, readonly unknown[]>;

function readConstraint({ field, operator, values }: ConstraintRequest): ConstraintSpec {
  const compared = { field, values: values ?? [] };
  return operator === 'IN' || operator === null || operator === undefined ? compared : { ...compared, operator };
}

function readGroup({ group }: SubmitRequest): Pick<TaskSpec, 'group'> {
  if (group === null || group === undefined) return {};
  return { group: { name: group.name, placement: group.placement, by: group.by ?? 'HOSTNAME' } };
}

/** The original knew 1 as high, and took any other integer for normal. */
function readPriority({ priority }: SubmitRequest): number {
  return typeof priority === 'number' && priority >= 0 && priority <= requestLimits.priority ? priority : 0;
}

function readCommands({ commands }: SubmitRequest): Pick<TaskSpec, 'commands' | 'argv'> {
  return Array.isArray(commands)
    ? { commands: quoteCommand(commands), argv: commands }
    : { commands: commands ?? null };
}

function readUris({ uris }: SubmitRequest): Pick<TaskSpec, 'uris' | 'fetching'> {
  const read = (uris ?? []).map((uri) => (typeof uri === 'string' ? { value: uri } : uri));
  const values = read.map(({ value }) => value);
  if (read.every((uri) => isPlainFetch(howToFetch(uri)))) return { uris: values };
  return { uris: values, fetching: read.map(howToFetch) };
}

type UriRequest = Exclude<NonNullable<SubmitRequest['uris']>[number], string>;

function howToFetch({ extract, executable, cache, outputFile }: UriRequest): FetchSpec {
  return {
    extract: (extract ?? true) && executable !== true,
    executable: executable ?? false,
    cache: cache ?? false,
    outputFile: outputFile ?? null,
  };
}

function isPlainFetch({ extract, executable, cache, outputFile }: FetchSpec): boolean {
  return extract === plainFetch.extract && !executable && !cache && outputFile === null;
}

/** As a list of pairs. A key twice is refused unless it says the same: which one would count? */
function readLabels({ labels }: SubmitRequest): { labels: readonly LabelSpec[]; repeated: readonly Problem[] } {
  const pairs = Array.isArray(labels)
    ? labels
    : Object.entries(labels ?? {}).map(([key, value]): LabelSpec => ({ key, value }));
  const found = new Map<string, LabelSpec>();
  const repeated: Problem[] = [];
  pairs.forEach(({ key, value }, at) => {
    const known = found.get(key);
    if (known === undefined) found.set(key, { key, value });
    else if (known.value !== value) {
      const message = `labels[${at}].key must name a label once: ${shortenValue(key)} is there with two values`;
      repeated.push({ member: `labels[${at}].key`, code: 'OBJECT_NOT_EQUAL', message, value: shortenValue(key) });
    }
  });
  return { labels: [...found.values()], repeated };
}

function readContainer({ container }: SubmitRequest): ContainerSpec | null {
  if (container === undefined || container === null) return null;
  const { docker, type, volumes } = container;
  return {
    type: type ?? 'DOCKER',
    docker: {
      image: docker.image,
      forcePullImage: docker.forcePullImage ?? true,
      privileged: docker.privileged ?? false,
      net: docker.net ?? 'BRIDGE',
      parameters: docker.parameters ?? [],
      portMappings: (docker.portMappings ?? []).map(({ containerPort, hostPort, protocol }) => ({
        containerPort,
        hostPort: hostPort ?? 0,
        protocol: protocol ?? 'tcp',
      })),
    },
    volumes: (volumes ?? []).map(({ containerPath, hostPath, dvo }) => ({
      containerPath,
      hostPath,
      mode: dvo ?? 'RW',
    })),
  };
}

/** `env` and `envs` in one list. The same variable twice is refused unless it says the same: which one would count? */
function joinEnv(request: SubmitRequest): { variables: readonly EnvVariable[]; problems: readonly Problem[] } {
  const variables = new Map<string, EnvVariable>();
  const problems: Problem[] = [];
  for (const member of ['env', 'envs'] as const) {
    for (const variable of listOf(request[member])) {
      const { name, value, secret } = variable;
      const known = variables.get(name);
      if (known !== undefined && known.value !== value) {
        const message = `${member} must name each variable once: "${name}" is there with two values`;
        problems.push({ member, code: 'INIT_OBJECT', message });
      }
      const isSecret = secret === true || known?.secret === true;
      variables.set(name, { name, value, ...(isSecret && { secret: true }) });
    }
  }
  return { variables: [...variables.values()], problems };
}

function listOf<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function textOr<T>(text: string | null | undefined, otherwise: T): string | T {
  return text === undefined || text === null || text.trim() === '' ? otherwise : text;
}

/** Rounds up at some decimals; 0.1 + 0.2 is still 0.3. */
function roundUp(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.max(0, Math.ceil(value * factor - 1e-6) / factor);
}
