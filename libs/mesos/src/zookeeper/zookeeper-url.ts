import { InvariantBroken } from '@juice/contracts';

export interface ZooKeeperAddress {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** `user:password` for digest authentication. */
  readonly auth: string | null;
  /** Where the masters register, without a slash at the end. */
  readonly path: string;
  /** The address without the credentials: for logs. */
  readonly shown: string;
}

const defaultPort = 2181;
const form = /^zk:\/\/(?:([^@/]*:[^/]*)@)?([^@/\s]+)(\/[^,\s]*[^,\s/])\/*$/;
const serverForm = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/;

export function isZooKeeperUrl(text: string): boolean {
  return text.startsWith('zk://');
}

/** `zk://[user:password@]host[:port],…/path`, as Mesos writes it. Throws InvariantBroken, without repeating a password. */
export function parseZooKeeperUrl(url: string): ZooKeeperAddress {
  const [, auth = null, hosts = '', path = ''] = form.exec(url) ?? [];
  const servers = hosts.split(',').map(parseServer);
  if (servers.includes(null) || path === '') {
    throw new InvariantBroken('not a ZooKeeper address: must be zk://[user:password@]host:port,…/path');
  }
  return { servers: servers.filter((server) => server !== null), auth, path, shown: `zk://${hosts}${path}` };
}

function parseServer(text: string): { host: string; port: number } | null {
  const [, host = '', digits] = serverForm.exec(text) ?? [];
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === '' || port < 1 || port > 65_535) return null;
  return { host: host.replace(/^\[|\]$/g, ''), port };
}
