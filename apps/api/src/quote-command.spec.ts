import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quoteCommand } from './quote-command.ts';

test.each([
  [['./run.sh', 'plain', '--a=b', '/x_y:z,@%+'], './run.sh plain --a=b /x_y:z,@%+'],
  [['run', '', 'a b', "it's", '~', '$(id)'], `run '' 'a b' 'it'\\''s' '~' '$(id)'`],
  [['A=1', 'B=2'], `'A=1' B=2`],
])('%j reads %s', (argv, line) => {
  expect(quoteCommand(argv)).toBe(line);
});

test('a shell runs just that', () => {
  const word = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme-ascii' })).filter(isWord);
  const argvs = fc.array(fc.array(word, { maxLength: 4 }), { minLength: 1, maxLength: 20 });
  // printf stands for the program: what it is given comes back, one argument a line of NULs.
  const ran = fc.property(argvs, (argvs) => {
    const lines = argvs.map((args) => quoteCommand(['/usr/bin/printf', String.raw`%s\0`, ...args, 'end']));
    const printed = execFileSync('/bin/sh', ['-c', lines.join('\n')], { encoding: 'utf8' });
    expect(printed).toBe(
      argvs
        .flatMap((args) => [...args, 'end'])
        .map((arg) => `${arg}\0`)
        .join(''),
    );
  });
  fc.assert(ran, { numRuns: 40 });
});

function isWord(text: string): boolean {
  return !text.includes('\0') && !/\p{Cs}/u.test(text);
}
