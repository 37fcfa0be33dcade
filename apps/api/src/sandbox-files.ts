import { sandboxPath, usualAgentPort } from '@juice/contracts';
import { createAgentFiles, type AgentAddress } from '@juice/mesos';
import type { ApiOptions } from './config.ts';
import type { Sandbox, SandboxFiles } from './read-log.ts';

export function createSandboxFiles(
  options: Pick<ApiOptions, 'agentScheme' | 'agentPrincipal' | 'agentSecret'>,
): SandboxFiles {
  const { agentScheme: scheme, agentPrincipal: principal, agentSecret: secret } = options;
  const credentials = principal !== undefined && secret !== undefined ? { principal, secret } : null;
  const files = createAgentFiles({ scheme, credentials });
  return {
    size: (of, file, signal) => files.size(addressOf(of), `${sandboxPath(of)}/${file}`, signal),
    read: (of, file, piece, signal) => files.read(addressOf(of), `${sandboxPath(of)}/${file}`, piece, signal),
  };
}

function addressOf({ agentHost: host, agentPort }: Sandbox): AgentAddress {
  return { host, port: agentPort ?? usualAgentPort };
}
