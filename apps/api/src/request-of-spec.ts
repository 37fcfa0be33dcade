import type { ContainerSpec, EnvVariable, FetchSpec, RerunRequest, SubmitRequest, TaskSpec } from '@juice/contracts';

/** A submission that would be stored as this spec: normaliseTask the other way round. */
export function requestOfSpec(spec: TaskSpec) {
  const { taskName, callbackUrl, callbackEvents, commands, container, resources, env, args, uris, ...rest } = spec;
  const { argv, fetching, labels = [], constraints, priority, retry, expireSeconds, maxRunSeconds, ...others } = rest;
  const { group, killGraceSeconds, unreachableSeconds = null, ...unknown } = others;
  // A member that a spec gains has its place in a submission too: without one, this does not compile.
  unknown satisfies Record<string, never>;
  return {
    taskName,
    callbackUrl,
    callbackEvents,
    commands: argv ?? commands,
    container: container === null ? null : requestOfContainer(container),
    resources: {
      role: resources.role,
      cpu: resources.cpus,
      mem: resources.memMb,
      disk: resources.diskMb,
      gpus: resources.gpus,
      ports: resources.ports,
    },
    env,
    args,
    uris: uris.map((value, at) => requestOfUri(value, fetching?.[at])),
    constraints,
    ...(group !== undefined && { group }),
    priority,
    retry,
    expireSeconds,
    maxRunSeconds,
    killGraceSeconds,
    unreachableSeconds,
    labels,
  } satisfies Readonly<Partial<Record<keyof SubmitRequest, unknown>>>;
}

function requestOfUri(value: string, how: FetchSpec | undefined) {
  if (how === undefined) return value;
  const { outputFile, ...others } = how;
  return { value, ...others, ...(outputFile !== null && { outputFile }) };
}

function requestOfContainer({ type, docker, volumes }: ContainerSpec) {
  return {
    type,
    docker,
    volumes: volumes.map(({ containerPath, hostPath, mode }) => ({ containerPath, hostPath, dvo: mode })),
  };
}

/** The spec as its tenant is shown it: without what there is none of, and without the values of secret variables. */
export function showSpec(spec: TaskSpec): Readonly<Record<string, unknown>> {
  const request = { ...requestOfSpec(spec), env: spec.env.map(showVariable) };
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
}

/** The one place that decides which values of environment variables are shown. */
function showVariable(variable: EnvVariable): object {
  return variable.secret === true ? { name: variable.name, secret: true } : variable;
}

/**
 * The submission of a spec with what is to be different this time. Of the resources those named change, of the environment
 * those variables; a new command or container takes the place of whichever there was.
 */
export function changeRequest(spec: TaskSpec, changes: RerunRequest): Readonly<Record<string, unknown>> {
  const { force: _, env, envs, resources, ...others } = changes;
  const before = requestOfSpec(spec);
  const isNewWork = isGiven(changes.commands) || isGiven(changes.container);
  return {
    ...before,
    ...(isNewWork && { commands: null, container: null, args: null }),
    ...others,
    resources: resources === null ? null : { ...before.resources, ...resources },
    env: changeEnv(before.env, [env, envs]),
  };
}

type EnvRequest = RerunRequest['env'];

/** null: without those that there were. A new value of a secret variable is one too, unless it says that it is not. */
function changeEnv(before: readonly EnvVariable[], changes: readonly EnvRequest[]): readonly EnvVariable[] {
  const variables = new Map(changes.includes(null) ? [] : before.map((variable) => [variable.name, variable]));
  for (const { name, value, secret } of changes.flatMap((change) => change ?? [])) {
    const isSecret = secret ?? variables.get(name)?.secret === true;
    variables.set(name, { name, value, ...(isSecret && { secret: true }) });
  }
  return [...variables.values()];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
