import { BlockList, isIP, SocketAddress } from 'node:net';

/**
 * Judges where a callback may go: the defence against tenants who name an address inside our own network (SSRF). Pure. A URL is
 * judged when a task is submitted, so that the tenant hears of it, and again before every request, since the rules may have
 * changed. An address is judged when a connection is dialled, on the very addresses that will be used: a name can answer
 * differently each time.
 */

/** Why a destination is refused: part of a lane's cause and a metric's label. */
export type ForbiddenRule = 'url' | 'scheme' | 'credentials' | 'port' | 'address';

/** What is allowed although it is not public: for installations whose receivers are inside. */
export interface AllowList {
  allowsAddress(address: SocketAddress): boolean;
  allowsHost(host: string): boolean;
}

/** What a right entry of the operator's list is. */
export const allowListRight = 'addresses, CIDR blocks, host names or .suffixes of host names, separated by commas';

export type UrlJudgement =
  { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly rule: ForbiddenRule };

/**
 * Reads and judges a callback URL: http or https, no user or password in it (they would go out as Basic auth and into
 * our logs), a port that webhooks are served on, and not the literal of an address that is not public. Names are judged
 * when they are resolved. `2130706433`, `0x7f.1` and the like are literals too: the URL standard writes them out.
 */
export function judgeUrl(text: string, allow: AllowList): UrlJudgement {
  if (!URL.canParse(text)) return { ok: false, rule: 'url' };
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { ok: false, rule: 'scheme' };
  if (url.username !== '' || url.password !== '') return { ok: false, rule: 'credentials' };
  if (!isPortAllowed(url.port)) return { ok: false, rule: 'port' };
  const host = hostOf(url);
  if (host.length > longestHost) return { ok: false, rule: 'url' };
  if (isIP(host) !== 0 && !isAddressAllowed(host, allow)) return { ok: false, rule: 'address' };
  return { ok: true, url };
}

/** What is wrong with a URL that was refused, in words that follow "it". */
export function describeForbidden(rule: ForbiddenRule): string {
  switch (rule) {
    case 'url':
      return 'must be a whole URL, with a host';
    case 'scheme':
      return 'must be an http or https URL';
    case 'credentials':
      return 'must hold no user and no password';
    case 'port':
      return 'must have port 80, 443, or one from 1024 on that is not known for another service';
    case 'address':
      return 'must not lead to an address that is not public, unless the operator allows it (JUICE_CALLBACK_ALLOW)';
    default:
      return rule satisfies never;
  }
}

/** Whether this address may be dialled: it is public, or the operator allows it. */
export function isAddressAllowed(address: string, allow: AllowList): boolean {
  const parsed = parseAddress(address);
  return parsed !== null && (isPublic(parsed) || allow.allowsAddress(parsed));
}

/** The host as `lookup` and `connect` want it: IPv6 literals without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/**
 * The operator's exceptions: addresses, CIDR blocks, host names (exact), and `.example.internal` for every name below.
 * null for an entry that is none of these.
 */
export function parseAllowList(entries: readonly string[]): AllowList | null {
  const blocks = new BlockList();
  const hosts = new Set<string>();
  for (const entry of entries) {
    if (!addBlock(blocks, entry) && !addHost(hosts, entry)) return null;
  }
  const suffixes = [...hosts].filter((host) => host.startsWith('.'));
  return {
    allowsAddress: (address) => blocks.check(address),
    allowsHost: (host) => hosts.has(host) || suffixes.some((suffix) => host.endsWith(suffix)),
  };
}

/** Whether an address is on the public Internet. Everything that is not known to be is not. */
export function isPublicAddress(address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== null && isPublic(parsed);
}

function isPublic(address: SocketAddress): boolean {
  // An IPv4 rule of a BlockList holds for the IPv4-mapped IPv6 address as well.
  if (address.family === 'ipv4' || mapped.check(address)) return !privateV4.check(address);
  return publicV6.check(address) && !reservedV6.check(address);
}

/** Without the zone of an IPv6 address; null for what is no address. Made once for all lists: that takes longer than their checks. */
function parseAddress(text: string): SocketAddress | null {
  const address = text.replace(/%.*$/, '');
  const family = isIP(address);
  return family === 0 ? null : new SocketAddress({ address, family: family === 4 ? 'ipv4' : 'ipv6' });
}

/** RFC 1035: no longer name can be resolved. */
const longestHost = 253;

/** Ports below 1024 other than these two belong to other services, and so do these above. */
const servicePorts: ReadonlySet<number> = new Set([
  2375, 2376, 2379, 2380, 3306, 4369, 5050, 5051, 5432, 5672, 6379, 8500, 9200, 9300, 10250, 11211, 15672, 25672, 27017,
]);

function isPortAllowed(port: string): boolean {
  const number = port === '' ? 443 : Number(port);
  return number === 80 || number === 443 || (number >= 1024 && !servicePorts.has(number));
}

// RFC 6890 and its successors, the clouds' link-local metadata (169.254/16, 100.100.100.200, 192.0.0.192), and Azure's
// WireServer, which has a public-looking address.
const privateV4 = blockList('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]);

const mapped = blockList('ipv6', [['::ffff:0:0', 96]]);

/** Global unicast is all that is assigned; transition prefixes (NAT64, 6to4, Teredo) could wrap a private IPv4. */
const publicV6 = blockList('ipv6', [['2000::', 3]]);
const reservedV6 = blockList('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);

function blockList(family: 'ipv4' | 'ipv6', nets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of nets) list.addSubnet(net, prefix, family);
  return list;
}

function addBlock(blocks: BlockList, entry: string): boolean {
  const [net = '', prefix] = entry.split('/');
  const family = isIP(net);
  if (family === 0) return false;
  const widest = family === 4 ? 32 : 128;
  const length = prefix === undefined ? widest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (length < 0 || length > widest || entry.split('/').length > 2) return false;
  blocks.addSubnet(net, length, family === 4 ? 'ipv4' : 'ipv6');
  return true;
}

function addHost(hosts: Set<string>, entry: string): boolean {
  const host = entry.toLowerCase();
  if (!/^\.?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(host)) return false;
  hosts.add(host);
  return true;
}
