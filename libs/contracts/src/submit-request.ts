import { z } from 'zod';
import { labels } from './labels-member.ts';
import { constraint, group } from './placement-members.ts';
import { requestLimits as limits } from './request-limits.ts';
import { blob, flag, integer, line, list, nonBlankLine, numeric, word } from './request-members.ts';
import { isRoleName } from './role-name.ts';
import { uris } from './uri-member.ts';

/**
 * The body of POST /v1/tasks as tenants may send it: the original's members, what its Java SDK sends beside them, and
 * what is additive. Unknown members are ignored at every level; null is the same as absent for an optional member.
 *
 * What an operator may set comes in as `bounds`; the policy on what a task may do to a machine is checked afterwards.
 */

/** Too little is raised to the least a task can have, later; too much is refused here. */
function positive(most: number, unit: string) {
  const error = `a positive finite number of ${unit}`;
  const bound = `${error}, at most ${most}, the most that a task may ask for`;
  return numeric(z.number({ error }).positive({ error }).max(most, { error: bound }));
}

/** What the seed writes as one object may also be a list of such objects. */
function oneOrList<S extends z.ZodType>(item: S, most: number, of: string) {
  return z.union([item, list(item, most, of)], { error: `an object, or a list of at most ${most} ${of}` });
}

/**
 * What the agent tells a task's executor in its environment, which is the task's too: another value of these would cut the
 * executor off from its agent, or is overwritten.
 */
const executorVariables: ReadonlySet<string> = new Set([
  ...['MESOS_FRAMEWORK_ID', 'MESOS_EXECUTOR_ID', 'MESOS_SLAVE_ID', 'MESOS_SLAVE_PID', 'MESOS_AGENT_ENDPOINT'],
  ...['MESOS_DIRECTORY', 'MESOS_SANDBOX', 'MESOS_CONTAINER_NAME', 'MESOS_ALLOCATION_ROLE', 'MESOS_DOMAIN_SOCKET'],
  ...['MESOS_CHECKPOINT', 'MESOS_RECOVERY_TIMEOUT', 'MESOS_SUBSCRIPTION_BACKOFF_MAX'],
  ...['MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD', 'MESOS_EXECUTOR_AUTHENTICATION_TOKEN', 'MESOS_HTTP_COMMAND_EXECUTOR'],
]);

const envVariable = z.object(
  {
    name: z
      .string({ error: 'a name' })
      .max(limits.envNameCharacters, { error: `a name of at most ${limits.envNameCharacters} characters` })
      .regex(/^[-._A-Za-z][-._A-Za-z0-9]*$/, {
        error: 'a name of letters, digits, "-", "_" and ".", not beginning with a digit',
      })
      .refine((name) => !executorVariables.has(name), { error: 'a name that Mesos does not set itself' }),
    value: blob('a string', limits.envValueBytes),
    secret: flag().nullish(),
  },
  { error: 'an object {name, value}, or a list of them' },
);

const env = oneOrList(envVariable, limits.envVariables, 'objects {name, value}');

const parameter = z.object(
  {
    key: nonBlankLine('a docker option', 128).regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, {
      error: 'the name of one of docker’s options without its dashes, such as "cap-add"',
    }),
    value: blob('a string', limits.parameterBytes),
  },
  { error: 'an object {key, value}' },
);

const portMapping = z.object(
  {
    containerPort: integer(1, 65_535),
    hostPort: integer(0, 65_535).nullish(),
    protocol: word(['tcp', 'udp']).nullish(),
  },
  { error: 'an object {containerPort, hostPort, protocol}' },
);

const isPlainPath = (path: string) => !path.split('/').includes('..');

const volume = z.object(
  {
    containerPath: nonBlankLine('a path', limits.pathCharacters).refine(isPlainPath, { error: 'a path without ".."' }),
    hostPath: nonBlankLine('an absolute path', limits.pathCharacters)
      .startsWith('/', { error: 'an absolute path' })
      .refine(isPlainPath, { error: 'an absolute path without ".."' }),
    dvo: word(['RO', 'RW']).nullish(),
  },
  { error: 'an object {containerPath, hostPath, dvo}' },
);

const docker = z.object(
  {
    // Never beginning with "-": the image follows the options on docker's own command line.
    image: z
      .string({ error: 'the name of an image' })
      .max(limits.imageCharacters, { error: `the name of an image, at most ${limits.imageCharacters} characters` })
      .regex(/^[A-Za-z0-9][-A-Za-z0-9._:/@]*$/, {
        error: 'the name of an image, such as registry.example.com/team/name:tag',
      }),
    forcePullImage: flag().nullish(),
    privileged: flag().nullish(),
    net: word(['BRIDGE', 'HOST', 'NONE', 'USER']).nullish(),
    parameters: list(parameter, limits.parameters, 'objects {key, value}').nullish(),
    portMappings: list(portMapping, limits.portMappings, 'objects {containerPort, hostPort, protocol}').nullish(),
  },
  { error: 'an object {image, …}' },
);

const container = z.object(
  {
    docker,
    type: word(['DOCKER', 'MESOS']).nullish(),
    volumes: list(volume, limits.volumes, 'objects {containerPath, hostPath, dvo}').nullish(),
  },
  { error: 'an object {docker, type, volumes}' },
);

/** The most that a task may ask for; an operator's choice. */
export interface RequestBounds {
  readonly cpus: number;
  readonly memMb: number;
  readonly diskMb: number;
  readonly gpus: number;
  readonly ports: number;
  readonly retry: number;
  readonly expireSeconds: number;
  readonly runSeconds: number;
  readonly killGraceSeconds: number;
}

function resources(bounds: RequestBounds) {
  const diskRight = `a number of MB from 0 to ${bounds.diskMb}, the most that a task may ask for`;
  return z.object(
    {
      role: line('a role', limits.roleCharacters)
        .refine((role) => role.trim() === '' || isRoleName(role), {
          error: 'a role: "*", or a name without blanks, not beginning with "-", not "." or ".."',
        })
        .nullish(),
      cpu: positive(bounds.cpus, 'CPUs').nullish(),
      mem: positive(bounds.memMb, 'MB').nullish(),
      disk: numeric(
        z.number({ error: diskRight }).nonnegative({ error: diskRight }).max(bounds.diskMb, { error: diskRight }),
      ).nullish(),
      gpus: integer(0, bounds.gpus).nullish(),
      ports: integer(0, bounds.ports).nullish(),
    },
    { error: 'an object {role, cpu, mem}' },
  );
}

const callbackUrl = line('an http or https URL', limits.urlCharacters).refine(isCallbackUrl, {
  error: 'an http or https URL with a host, without user, password, fragment or blanks',
});

function isCallbackUrl(text: string): boolean {
  if (text.trim() === '') return true;
  if (!/^https?:\/\/[^\s\\]+$/i.test(text) || !URL.canParse(text)) return false;
  // However many slashes there are, what follows them is the host, and a user before it.
  return !text.includes('#') && !/^https?:\/+[^/?]*@/i.test(text);
}

/** A command for the shell, or a program and its arguments, run as they are. */
const commands = z.union(
  [
    blob('a shell command', limits.commandBytes),
    list(blob('a string', limits.argBytes), limits.args, 'strings: a program and its arguments').refine(
      (argv) => !Array.isArray(argv) || /\S/.test(argv[0] ?? ''),
      { path: [0], error: 'the program to run' },
    ),
  ],
  { error: 'a shell command, or a list of a program and its arguments' },
);

/** The schema of a submission under an operator's bounds. */
export function submitRequest(bounds: RequestBounds) {
  return z.object(
    {
      taskName: nonBlankLine('a string', limits.taskNameCharacters).meta({
        description: 'For people; it need not be unique.',
      }),
      callbackUrl: callbackUrl.nullish().meta({ description: 'Where the task’s states are called back.' }),
      callbackEvents: word(['all', 'terminal'])
        .nullish()
        .meta({ description: '`all` states from RUNNING on, or `terminal` ones.' }),
      resources: resources(bounds)
        .nullish()
        .meta({ description: 'What it needs; what is left out is as the operator has set it.' }),
      container: container.nullish().meta({ description: 'An image to run: this or `commands`.' }),
      commands: commands.nullish().meta({ description: 'A shell command, or a program and its arguments.' }),
      env: env.nullish().meta({ description: 'Environment variables: one, or a list.' }),
      envs: env.nullish().meta({ description: 'The same: the Java SDK’s name for it.' }),
      args: list(blob('a string', limits.argBytes), limits.args, 'strings')
        .nullish()
        .meta({ description: 'Arguments of the image’s entrypoint.' }),
      uris: uris.nullish().meta({ description: 'What is fetched into the sandbox before it starts.' }),
      constraints: oneOrList(constraint, limits.constraints, 'objects {field, values}')
        .nullish()
        .meta({ description: 'Where it may run: one, or a list of which all must hold.' }),
      group: group.nullish().meta({ description: 'Apart from, evenly with or together with others of the group.' }),
      priority: integer(-(2 ** 31), 2 ** 31 - 1)
        .nullish()
        .meta({ description: '0, normal, to 100, the highest; as in the original any other integer is normal too.' }),
      retry: integer(0, bounds.retry)
        .nullish()
        .meta({ description: 'How often it may be run again after a failure of its own.' }),
      expireSeconds: integer(1, bounds.expireSeconds)
        .nullish()
        .meta({ description: 'How long it may wait for room before it ends EXPIRED.' }),
      maxRunSeconds: integer(1, bounds.runSeconds).nullish().meta({
        description: 'How long one attempt may run; then it is killed, and that is a failure of the task’s own.',
      }),
      killGraceSeconds: integer(0, bounds.killGraceSeconds)
        .nullish()
        .meta({ description: 'Between SIGTERM and SIGKILL when it is killed.' }),
      unreachableSeconds: integer(0, limits.unreachableSeconds).nullish().meta({
        description:
          'How long an attempt on an agent out of reach is waited for before another may start; 0: for ever.',
      }),
      labels: labels.nullish().meta({ description: 'The tenant’s own words: shown in its entry, passed on to Mesos.' }),
      // `runMode`, which the SDK sends, is an unknown member: it follows from container and commands.
    },
    { error: 'a JSON object' },
  );
}

export type SubmitRequest = z.output<ReturnType<typeof submitRequest>>;
