import { ConfigProblems } from './load-config.ts';

/** EX_CONFIG of sysexits.h: supervisors can tell "will never start like this" from a crash. */
const configExitCode = 78;

/**
 * Runs a main and turns what it throws before it has a log into words on stderr and an exit code: 78 with all problems
 * for a configuration that cannot be used, 1 with the error for anything else. A main that was interrupted by its own
 * stop signal (an AbortError) says nothing: stopping is under way, and exits by itself.
 */
export async function runMain(
  main: () => Promise<void>,
  host: { stderr: { write(text: string): unknown }; exit(code: number): void } = process,
): Promise<void> {
  try {
    await main();
  } catch (error: unknown) {
    if (typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError') return;
    const isConfig = error instanceof ConfigProblems;
    host.stderr.write(`${isConfig ? error.message : wordsOf(error)}\n`);
    host.exit(isConfig ? configExitCode : 1);
  }
}

/** A port that cannot be listened on is told in words; anything else that was not foreseen, with where it came from. */
function wordsOf(error: unknown): string {
  const { syscall, code, address, port } = Object(error) as NodeJS.ErrnoException & { address?: string; port?: number };
  if (syscall !== 'listen') return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const why = code === 'EADDRINUSE' ? 'another program listens there' : String(code);
  return `Cannot listen on ${address ?? ''}:${port ?? ''}: ${why}. Choose another port, or 0 for any free one.`;
}
