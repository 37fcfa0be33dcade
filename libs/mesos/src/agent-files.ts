import { DependencyFailure, hostInUrl } from '@juice/contracts';

/** The agent that an attempt runs on, as its offer named it. */
export interface AgentAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The files of sandboxes, from the agents that have them. null: there is no such file there (yet, or any more). Throws
 * DependencyFailure when the agent cannot be reached, or will not serve them.
 */
export interface AgentFiles {
  /** Its present size in bytes. */
  size(agent: AgentAddress, path: string, signal: AbortSignal): Promise<number | null>;
  /** At most `length` bytes from a place on; an agent gives 64 KiB at most, and none at the file's end. */
  read(
    agent: AgentAddress,
    path: string,
    piece: { readonly offset: number; readonly length: number },
    signal: AbortSignal,
  ): Promise<Buffer | null>;
}

/** An agent that is busy fetching images answers late, one that is gone never. */
const usualTimeoutMs = 10_000;

export function createAgentFiles(options: {
  scheme: 'http' | 'https';
  /** For agents that ask for Basic credentials. */
  credentials: { readonly principal: string; readonly secret: string } | null;
  timeoutMs?: number;
}): AgentFiles {
  const { scheme, credentials, timeoutMs = usualTimeoutMs } = options;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credentials !== null) {
    const pair = `${credentials.principal}:${credentials.secret}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  }

  async function ask(
    { host, port }: AgentAddress,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ data: Buffer; offset: number } | null> {
    const url = new URL(`${scheme}://${hostInUrl(host)}:${port}/files/read?${new URLSearchParams(query)}`);
    let answer: Response;
    let body: Buffer;
    try {
      const either = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      answer = await fetch(url, { headers, redirect: 'error', signal: either });
      body = Buffer.from(await answer.arrayBuffer());
    } catch (error: unknown) {
      signal.throwIfAborted();
      throw failure(url.host, 'does not answer', true, error);
    }
    if (answer.status === 404) return null;
    if (!answer.ok) throw failure(url.host, `answered ${answer.status}`, answer.status >= 500);
    const read = readAnswer(body);
    if (read === null) throw failure(url.host, 'answered what is no piece of a file', false);
    return read;
  }

  return {
    async size(agent, path, signal) {
      return (await ask(agent, { path, offset: '-1' }, signal))?.offset ?? null;
    },
    async read(agent, path, { offset, length }, signal) {
      const query = { path, offset: String(offset), length: String(length) };
      return (await ask(agent, query, signal))?.data ?? null;
    },
  };
}

/**
 * Agents write the file's bytes into the JSON as they are, whether they are UTF-8 or not: read as latin1 each of them is
 * one character. What an agent escapes beyond that is a character, and UTF-8 again.
 */
function readAnswer(body: Buffer): { data: Buffer; offset: number } | null {
  try {
    const { data, offset } = JSON.parse(body.toString('latin1')) as { data?: unknown; offset?: unknown };
    if (typeof data !== 'string' || typeof offset !== 'number') return null;
    // eslint-disable-next-line no-control-regex -- every character that is one byte
    const isBytes = /^[\x00-\xff]*$/.test(data);
    return { data: isBytes ? Buffer.from(data, 'latin1') : Buffer.from(data), offset };
  } catch {
    return null;
  }
}

function failure(host: string, detail: string, retryable: boolean, cause?: unknown): DependencyFailure {
  const operation = 'read a file of a sandbox';
  return new DependencyFailure({ dependency: 'mesos-agent', operation, retryable, detail: `${host} ${detail}`, cause });
}
