import { CannotListen } from './cannot-listen.ts';
import { ConfigProblems } from './load-config.ts';

/** EX_CONFIG of sysexits.h: supervisors can tell "will never start like this" from a crash. */
const configExitCode = 78;
/** EX_USAGE. */
const usageExitCode = 64;

/**
 * Runs a main and turns what it throws before it has a log into words on stderr and an exit code: 78 with all problems
 * for a configuration that cannot be used, 64 for arguments that `parseArgs` does not know, 1 with the error for anything else. A
 * main that was interrupted by its own stop signal (an AbortError) says nothing: stopping is under way, and exits by itself.
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
    host.exit(isConfig ? configExitCode : isOfUsage(error) ? usageExitCode : 1);
  }
}

/** What Node's `parseArgs` throws says what is wrong, and with which argument. */
function isOfUsage(error: unknown): error is Error {
  const { code = '' } = Object(error) as NodeJS.ErrnoException;
  return String(code).startsWith('ERR_PARSE_ARGS_');
}

/** An address that cannot be listened on is told in words; anything else that was not foreseen, with where it came from. */
function wordsOf(error: unknown): string {
  if (error instanceof CannotListen || isOfUsage(error)) return error.message;
  const { syscall, address = '', port = 0 } = Object(error) as ListenFailure;
  if (syscall === 'listen') return new CannotListen({ host: address, port }, error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

type ListenFailure = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };
