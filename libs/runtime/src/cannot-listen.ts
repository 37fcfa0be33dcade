import { hostInUrl } from '@juice/contracts';
/** The environment variables that say where a server listens. */
export interface ListenVariables {
  readonly host: string;
  readonly port: string;
}

/** An address that cannot be listened on, told in words; `code` is the system's. `main.ts` prints the message and exits 1. */
export class CannotListen extends Error {
  readonly code: string;
  /** `variables`: where host and port were configured, when that is known. */
  constructor(
    at: { readonly host: string; readonly port: number },
    cause: unknown,
    variables: ListenVariables | null = null,
  ) {
    const { code = 'unknown error' } = Object(cause) as NodeJS.ErrnoException;
    const host = hostInUrl(at.host);
    const where = host === '' ? `port ${at.port}` : `${host}:${at.port}`;
    super(`Cannot listen on ${where}: ${wordsOf(code, variables)}.`, { cause });
    this.code = code;
  }
}

function wordsOf(code: string, variables: ListenVariables | null): string {
  const [port, host] =
    variables === null ? ['another port', 'another host'] : [`another ${variables.port}`, `another ${variables.host}`];
  switch (code) {
    case 'EADDRINUSE':
      return `another program listens there. Choose ${port}, or 0 for any free one`;
    case 'EACCES':
      return `this user may not (${code}). Choose ${port}, above 1023`;
    case 'EADDRNOTAVAIL':
      return `that is no address of this machine (${code}). Choose ${host}: 127.0.0.1 for this machine alone, 0.0.0.0 for all`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no host of that name (${code}). Choose ${host}: 127.0.0.1 for this machine alone, 0.0.0.0 for all`;
    default:
      return variables === null ? code : `${code} (${variables.host}, ${variables.port})`;
  }
}
