import { ProtocolViolation } from '@juice/contracts';

const znodeName = /^json\.info_(\d{10})$/;

/**
 * The child of the masters' path that leads: the one with the lowest sequence number. What else lives there
 * (`log_replicas`, the binary `info_…` of masters before 0.24) is passed over; null when no master is among them.
 */
export function leadingZnode(children: readonly string[]): string | null {
  const sequence = (name: string): number => Number(znodeName.exec(name)?.[1]);
  const masters = children.filter((name) => znodeName.test(name));
  return masters.sort((one, other) => sequence(one) - sequence(other))[0] ?? null;
}

/**
 * The base URL of the master whose MasterInfo this is. Its IP address is preferred to its host name, which need not
 * resolve here (Mesos' own clients do the same). The scheme is http: a MasterInfo does not tell of TLS.
 * Throws ProtocolViolation, with the znode's name, for anything that is no MasterInfo.
 */
export function masterUrlOf(znode: string, data: Buffer): string {
  const info = parseObject(data);
  const address = asObject(info?.['address']);
  const host =
    asText(address?.['ip']) ?? asText(address?.['hostname']) ?? asText(info?.['hostname']) ?? ipOf(info?.['ip']);
  const port = asPort(address?.['port']) ?? asPort(info?.['port']);
  const url = `http://${host?.includes(':') === true ? `[${host}]` : host}:${port}`;
  if (host !== undefined && port !== undefined && URL.canParse(url)) return new URL(url).origin;
  const start = JSON.stringify(data.subarray(0, 80).toString());
  throw new ProtocolViolation({ peer: 'zookeeper', detail: `${znode} does not hold a MasterInfo: ${start}` });
}

function parseObject(data: Buffer): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(data.toString()));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function asPort(value: unknown): number | undefined {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536 ? Number(value) : undefined;
}

/** MasterInfo.ip is the address as an x86 machine reads its four bytes: the first is the lowest. */
function ipOf(value: unknown): string | undefined {
  if (!Number.isInteger(value)) return undefined;
  const bits = Number(value);
  return [0, 8, 16, 24].map((shift) => (bits >>> shift) & 255).join('.');
}
