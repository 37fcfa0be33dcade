import { DependencyFailure } from '@juice/contracts';

/** A failure of the broker, in our words. */
export function brokerFailure(
  operation: string,
  detail: string,
  { retryable = true, cause }: { retryable?: boolean; cause?: unknown } = {},
): DependencyFailure {
  return new DependencyFailure({ dependency: 'rabbitmq', operation, retryable, detail, cause });
}

/** AMQP reply codes that waiting does not cure, and what they come from here. */
const permanent: Readonly<Record<number, string>> = {
  402: 'the virtual host does not exist',
  403: 'access refused: check user, password and permissions',
  406: 'an exchange or queue of this name exists with other properties',
  530: 'not allowed: check the virtual host',
};

/** Translates what amqplib throws, by AMQP reply code or by what a handshake that was ended says. */
export function translateAmqp(operation: string, error: unknown): DependencyFailure {
  if (error instanceof DependencyFailure) return error;
  const code = replyCode(error);
  const words = error instanceof Error ? error.message : String(error);
  const hint = code === null ? undefined : permanent[code];
  return brokerFailure(operation, hint === undefined ? words : `${hint} (${words})`, {
    retryable: hint === undefined,
    cause: error,
  });
}

function replyCode(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'number') return error.code;
  // A refused handshake has no code but its words: amqplib 2.3, lib/connection.js, afterStartOk and expect.
  const refused = /^Handshake terminated by server: (\d{3})/.exec(error.message);
  if (refused !== null) return Number(refused[1]);
  return error.message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose') ? 530 : null;
}
