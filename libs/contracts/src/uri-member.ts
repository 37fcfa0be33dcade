import { z } from 'zod';
import { requestLimits as limits } from './request-limits.ts';
import { flag, list, nonBlankLine } from './request-members.ts';

/**
 * What is fetched into the sandbox before a task starts: a URI, or an object that also says how. What Mesos' fetcher could
 * only fail at, after the launch, is refused here: a URI without a path or with quotes in it, a file without a name.
 */

const uriRight = 'an http, https, ftp, ftps, hdfs, s3, s3a, s3n or file URI';
const uri = nonBlankLine(uriRight, limits.urlCharacters).refine(isFetchable, {
  error: `${uriRight} with a path, without blanks, quotes and backslashes`,
});
const fileless = 'whose path ends in the name of a file';

/** A host where the scheme needs one, none or `localhost` for files, and a path; a path alone is a file of the agent. */
function isFetchable(text: string): boolean {
  const [, before, path = ''] = /^([a-z0-9]+:\/\/[^/]*)?(\/.*)$/s.exec(text) ?? [];
  if (path.length < 2 || /[\s'"\\]/.test(text)) return false;
  return (
    before === undefined ||
    /^(?:(?:https?|ftps?):\/\/[^/]+|(?:hdfs|s3[an]?):\/\/.*|file:\/\/(?:localhost)?)$/.test(before)
  );
}

/** The name Mesos would give the file is what follows the last slash, whatever it is. */
function namesFile(text: string): boolean {
  return !/(?:^|\/)\.{0,2}$/.test(text);
}

const outputFileRight = 'a relative path of a file in the sandbox, without "." and ".." in it, quotes and backslashes';

function isPlainFile(path: string): boolean {
  return !/['"\\]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

const fetched = z
  .object({
    value: uri,
    extract: flag().nullish(),
    executable: flag().nullish(),
    cache: flag().nullish(),
    outputFile: nonBlankLine(outputFileRight, limits.pathCharacters)
      .refine(isPlainFile, { error: outputFileRight })
      .nullish(),
  })
  .refine(({ extract, executable }) => !(extract === true && executable === true), {
    path: ['extract'],
    error: 'false or absent where executable is true: what is to be run is not unpacked',
  })
  .refine(({ value, outputFile }) => typeof outputFile === 'string' || namesFile(value), {
    path: ['value'],
    error: `a URI ${fileless}, where there is no outputFile`,
  });

const plain = uri.refine(namesFile, { error: `a URI ${fileless}; another name is given with {value, outputFile}` });

const eitherRight = 'a URI, or an object {value, extract, executable, cache, outputFile}';

export const uris = list(z.union([plain, fetched], { error: eitherRight }), limits.uris, 'URIs');
