export const unescapedRight = 'a user or password with a character that must be percent-encoded (/ ? # @)';

/**
 * What is wrong with a URL, in the words that come before "must be …"; empty where that says it all, null when nothing is.
 * Several hosts are legal: MongoDB's URLs have them. Never quotes what may be a password.
 */
export function urlProblem(given: string, schemes: readonly string[]): string | null {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is.exec(given) ?? [];
  if (!schemes.includes(scheme.toLowerCase())) return '';
  if (/\s/.test(given)) return 'has a blank in it';
  const hosts = authority
    .slice(authority.lastIndexOf('@') + 1)
    .split(',')
    .map((host) => /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(host) ?? ['', '', '']);
  if (hosts.some(([, , port]) => port !== undefined && !isPort(port)))
    return rest.includes('@') ? `has ${unescapedRight}` : 'has a port that is no number from 1 to 65535';
  if (hosts.some(([, name]) => name === '')) return 'names no host';
  return hosts.length > 1 || URL.canParse(given) ? null : 'has a host that cannot be one';
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
