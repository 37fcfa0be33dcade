/**
 * Mesos' rules for ids that become folder names: 1 to 255 bytes, no control character, no slash, not "." or "..". The
 * sandbox of a task is named after its id, so nothing that fails this ever reaches the disk. Null when the id is fine.
 */
export function checkId(id: string): string | null {
  if (id === '') return 'ID must not be empty';
  if (Buffer.byteLength(id) > 255) return 'ID must not be greater than 255 characters';
  if (id === '.' || id === '..') return `'${id}' is disallowed`;
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f/\\]/.test(id)) return `'${id}' contains invalid characters`;
  return null;
}
