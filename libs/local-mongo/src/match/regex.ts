import { CommandFailure } from '../command-failure.ts';

/**
 * A regular expression as a client wrote it (PCRE, options imsxu) for JavaScript. The two languages agree on what is
 * usually written; where JavaScript cannot compile a pattern the client is told.
 */
export function compileRegex(source: string, options: string): RegExp {
  const unknown = [...options].find((option) => !'imsxu'.includes(option));
  if (unknown !== undefined) throw new CommandFailure(51108, `invalid flag in regex options: ${unknown}`);
  const flags = [...new Set(options)].filter((option) => 'ims'.includes(option)).join('');
  try {
    return new RegExp(options.includes('x') ? withoutLayout(source) : source, flags);
  } catch (error) {
    throw new CommandFailure(51091, `Regular expression is invalid: ${String(error)}`);
  }
}

/** Option x: white space and comments outside character classes do not count. */
function withoutLayout(source: string): string {
  return source.replace(/\\.|\[(?:\\.|[^\]])*\]|\s+|#.*/g, (part) => (/^(\s|#)/.test(part) ? '' : part));
}
