/** What a Mesos agent listens on when nothing else is set. */
export const usualAgentPort = 5051;

/** A host as a URL has it: an IPv6 address in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * The folder that an attempt ran in, as its agent serves it. Mesos names a command's and a container's executor like the
 * task; this path stands for its sandbox whatever the agent's work_dir is (Mesos 1.5 and later).
 */
export function sandboxPath(of: { readonly frameworkId: string; readonly mesosTaskId: string }): string {
  return `/frameworks/${of.frameworkId}/executors/${of.mesosTaskId}/runs/latest`;
}
