import { InvariantBroken } from '@juice/contracts';

const schedulerPath = '/api/v1/scheduler';

/** `http://host:5050`, `https://proxy/mesos` or `host:5050` → the URL scheduler calls are posted to. */
export function schedulerUrl(master: string): URL {
  const text = master.includes('://') ? master : `http://${master}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new InvariantBroken(`not the URL of a Mesos master: ${master}`);
  }
  url.pathname = url.pathname.replace(/\/+$/, '') + schedulerPath;
  return url;
}

/**
 * Where a 307 leads. Masters answer scheme-relative (`//host:port/master/api/v1/scheduler`), so the scheme stays as it was;
 * undefined when the target is missing, is no URL, or would give up TLS (the credentials go along).
 */
export function redirectTarget(from: URL, location: string | undefined): URL | undefined {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined;
  const target = new URL(location, from);
  if (target.protocol !== 'https:' && (from.protocol === 'https:' || target.protocol !== 'http:')) return undefined;
  if (target.pathname === '/') target.pathname = schedulerPath;
  return target;
}
