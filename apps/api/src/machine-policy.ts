import type { TaskSpec } from '@juice/contracts';
import type { Problem } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/**
 * What a task may do to the machine it runs on. Everything is refused unless the operator allows it: each of these
 * makes a task more than a guest (root on the host, the host's files, the host's network, another team's share).
 */
export interface MachinePolicy {
  /** `privileged` containers. */
  readonly privileged: boolean;
  /** Containers in the host's network (`net: HOST`). */
  readonly hostNetwork: boolean;
  /** URIs that name files of the agent. */
  readonly fileUris: boolean;
  /** Folders of the agent that a task may mount, with everything below them. */
  readonly hostVolumes: Allowance;
  /** Options of docker's command line, by name. */
  readonly dockerParameters: Allowance;
  /** Roles other than "*". */
  readonly roles: Allowance;
}

/** All of a kind, or those listed. */
export type Allowance = 'all' | readonly string[];

export const closedPolicy: MachinePolicy = {
  privileged: false,
  hostNetwork: false,
  fileUris: false,
  hostVolumes: [],
  dockerParameters: [],
  roles: [],
};

export const openPolicy: MachinePolicy = {
  privileged: true,
  hostNetwork: true,
  fileUris: true,
  hostVolumes: 'all',
  dockerParameters: 'all',
  roles: 'all',
};

const switches = { privileged: 'privileged', 'host-network': 'hostNetwork', 'file-uris': 'fileUris' } as const;
const lists = { 'host-volumes': 'hostVolumes', 'docker-parameters': 'dockerParameters', roles: 'roles' } as const;

/** What a right JUICE_ALLOW is. */
export const machinePolicyRight =
  'a list of: all, privileged, host-network, file-uris, host-volumes[=/folder], docker-parameters[=name], roles[=name]';

/**
 * Reads JUICE_ALLOW: words separated by commas, a list's element after `=`, several elements by repeating it
 * (`host-network,host-volumes=/data,host-volumes=/scratch`). null when there is a word that is none of these.
 */
export function parseMachinePolicy(words: readonly string[]): MachinePolicy | null {
  let policy = closedPolicy;
  for (const word of words) {
    const next = allow(policy, word);
    if (next === null) return null;
    policy = next;
  }
  return policy;
}

function allow(policy: MachinePolicy, word: string): MachinePolicy | null {
  if (word === 'all') return openPolicy;
  const [, name = '', element] = /^([a-z-]+)(?:=(\S+))?$/.exec(word) ?? [];
  if (Object.hasOwn(switches, name) && element === undefined) {
    return { ...policy, [switches[name as keyof typeof switches]]: true };
  }
  if (!Object.hasOwn(lists, name)) return null;
  const key = lists[name as keyof typeof lists];
  if (element === undefined) return { ...policy, [key]: 'all' };
  if (key === 'hostVolumes' && !element.startsWith('/')) return null;
  const present = policy[key];
  return present === 'all' ? policy : { ...policy, [key]: [...present, element] };
}

/** The policy in words, for the start-up line: as parseMachinePolicy reads it. */
export function describeMachinePolicy(policy: MachinePolicy): readonly string[] {
  const allowed = Object.entries(switches).flatMap(([name, key]) => (policy[key] ? [name] : []));
  const listed = Object.entries(lists).flatMap(([name, key]) => {
    const allowance = policy[key];
    return allowance === 'all' ? [name] : allowance.map((element) => `${name}=${element}`);
  });
  return [...allowed, ...listed];
}

/** Everything in a task that the policy refuses. */
export function checkMachinePolicy(policy: MachinePolicy, spec: TaskSpec): Problem[] {
  const docker = spec.container?.docker;
  const problems: Problem[] = [];
  const refuse = (name: string, member: string, value: unknown): void => {
    problems.push({
      member,
      code: 'NO_PERMISSION',
      message: `${member} is refused by the machine policy "${name}": ${shortenValue(value)} is not allowed here`,
      value: shortenValue(value),
      policy: name,
    });
  };
  if (docker?.privileged === true && !policy.privileged) refuse('privileged', 'container.docker.privileged', true);
  if (docker?.net === 'HOST' && !policy.hostNetwork) refuse('host-network', 'container.docker.net', 'HOST');
  docker?.parameters.forEach(({ key }, at) => {
    if (!lets(policy.dockerParameters, key)) refuse('docker-parameters', `container.docker.parameters[${at}]`, key);
  });
  spec.container?.volumes.forEach(({ hostPath }, at) => {
    if (!letsPath(policy.hostVolumes, hostPath)) refuse('host-volumes', `container.volumes[${at}].hostPath`, hostPath);
  });
  const { role } = spec.resources;
  if (role !== '*' && !lets(policy.roles, role)) refuse('roles', 'resources.role', role);
  spec.uris.forEach((uri, at) => {
    if (/^(?:file:|\/)/i.test(uri) && !policy.fileUris) refuse('file-uris', `uris[${at}]`, uri);
  });
  return problems;
}

function lets(allowance: Allowance, name: string): boolean {
  return allowance === 'all' || allowance.includes(name);
}

/** Whether a path is an allowed folder or lies below one. Paths here have no `..`; links are the operator's to place. */
function letsPath(allowance: Allowance, path: string): boolean {
  if (allowance === 'all') return true;
  const parts = partsOf(path);
  return allowance.some((folder) => partsOf(folder).every((part, at) => part === parts[at]));
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
