/** Ids are bigints also where they would fit a number. */
const idMembers = ['taskId', 'rerunOf'];
/** A string or a number. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** One that a double may not hold. */
const largeInteger = /^-?\d{16,}$/;

/**
 * JSON in which integers that a double cannot hold, and every id of a task, are bigints. Throws SyntaxError for text that
 * is not JSON. (By `JSON.parse` alone they would be rounded: engines that tell their reviver the source are too new.)
 */
export function parseExactJson(text: string): unknown {
  // No text holds this by chance, nor by intent: it is another one each time.
  const mark = `${crypto.randomUUID()}:`;
  const marked = text.replaceAll(tokens, (token) => (largeInteger.test(token) ? `"${mark}${token}"` : token));
  return JSON.parse(marked, (key, value: unknown) => {
    if (typeof value === 'string' && value.startsWith(mark)) return fitting(BigInt(value.slice(mark.length)), key);
    return typeof value === 'number' && idMembers.includes(key) ? BigInt(value) : value;
  }) as unknown;
}

function fitting(value: bigint, key: string): bigint | number {
  return idMembers.includes(key) || !Number.isSafeInteger(Number(value)) ? value : Number(value);
}
