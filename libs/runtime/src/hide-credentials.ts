/**
 * A URL fit to be shown: without user, password and query (`amqp://u:p@host/v?x` → `amqp://host/v`). Of text that is not a
 * URL what may be credentials is removed (`u:p@host`, `https:/u:p@host`); other text comes back as it is. When in doubt
 * more is removed, never less: a password may hold `@` or `/` unescaped, and what is no port may be one whose host was
 * forgotten.
 */
export function hideCredentials(text: string): string {
  const parts = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(text);
  if (parts === null) return /:.*@/s.test(text) ? `…${text.slice(text.lastIndexOf('@'))}` : text;
  const [, scheme = '', rest = ''] = parts;
  const shown = rest.slice(rest.lastIndexOf('@') + 1).replace(/[?#].*$/s, '');
  const [authority = ''] = /^[^/]*/.exec(shown) ?? [];
  return scheme + authority.split(',').map(withoutWords).join(',') + shown.slice(authority.length);
}

function withoutWords(host: string): string {
  return host.replace(/^(\[[^\]]*\]|[^:[]*):(?!\d*$).*$/s, '$1:…');
}
