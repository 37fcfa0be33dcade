/** Enough to recognise a value by, short enough for a line. */
const shownCharacters = 64;

/** A value as an error message shows it: text quoted and shortened, what has parts only by its kind. */
export function shortenValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length <= shownCharacters
        ? JSON.stringify(value)
        : `${JSON.stringify(value.slice(0, shownCharacters))}… (${value.length} characters)`;
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? `a list of ${value.length}` : describeObject(Object.keys(value).length);
    case 'undefined':
      return 'nothing';
    default:
      return String(value).slice(0, shownCharacters);
  }
}

function describeObject(members: number): string {
  if (members === 0) return 'an empty object';
  return members === 1 ? 'an object of one member' : `an object of ${members} members`;
}
