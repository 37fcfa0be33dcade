/** What a shell takes as it stands, and what it takes so only after the first word, where it would assign a variable. */
const plain = /^[A-Za-z0-9_@%+:,./-]+$/;
const plainArgument = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A program and its arguments as a shell's command line that runs just that. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map((word, at) => ((at === 0 ? plain : plainArgument).test(word) ? word : quote(word))).join(' ');
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
