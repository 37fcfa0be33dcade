/** A chain longer than this is a loop, or tells nothing more. */
const deepestCause = 4;

/**
 * An error as a log shows it: name, code, message and cause. Nothing else it carries: drivers hang documents, requests
 * and credentials on their errors. The stack is there only for errors without a code, which nobody expected.
 */
export function serialiseError(error: unknown, depth = 0): unknown {
  if (typeof error === 'string') return error;
  if (!(error instanceof Error)) return Object.prototype.toString.call(error);
  const code = 'code' in error && ['string', 'number'].includes(typeof error.code) ? error.code : undefined;
  // What connects to several addresses fails with an AggregateError whose own message is empty.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const cause = error.cause ?? (error.message === '' ? first : undefined);
  return {
    name: error.name,
    ...(code !== undefined && { code }),
    message: error.message === '' && first instanceof Error ? first.message : error.message,
    ...(code === undefined && depth === 0 && error.stack !== undefined && { stack: error.stack }),
    ...(cause !== undefined && depth < deepestCause && { cause: serialiseError(cause, depth + 1) }),
  };
}
