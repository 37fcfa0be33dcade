/**
 * Whether an Accept header allows a media type, by the rules of libprocess: no header allows everything, and the first
 * entry that matches (exactly, by `type/*` or by the all-wildcard) decides, unless its q is 0.
 */
export function acceptsMediaType(accept: string | undefined, mediaType: string): boolean {
  if (accept === undefined) return true;
  const wildcard = `${mediaType.split('/', 1)[0]}/*`;
  for (const entry of accept.split(',')) {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    if (name !== mediaType && name !== wildcard && name !== '*/*') continue;
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return quality === undefined || Number(quality) > 0;
  }
  return false;
}
