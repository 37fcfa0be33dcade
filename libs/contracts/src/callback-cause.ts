/** What the words for causes mean, to people. */
const meanings = {
  'dns-not-found': 'the receiver’s name is not known',
  'dns-failed': 'the receiver’s name could not be resolved',
  'connect-refused': 'the receiver refused the connection',
  'connect-unreachable': 'the receiver’s host is out of reach',
  'connect-failed': 'the receiver could not be connected to',
  'tls-failed': 'no secure connection: the certificate or the handshake failed',
  'no-response': 'the connection broke off before there was an answer',
  'not-http': 'the answer was no HTTP',
  'timeout-lookup': 'the receiver’s name was not resolved in time',
  'timeout-connect': 'there was no connection in time',
  'timeout-tls': 'there was no secure connection in time',
  'timeout-response': 'there was no answer in time',
  'forbidden-address': 'the receiver’s address is not public, and the operator does not allow it',
  'forbidden-url': 'the URL is none',
  'forbidden-scheme': 'the URL is neither http nor https',
  'forbidden-credentials': 'the URL holds a user or a password',
  'forbidden-port': 'the URL has a port that callbacks do not go to',
  'endpoint-paused': 'its endpoint is paused',
  'endpoint-gone': 'its endpoint has said that it is gone (410)',
  'endpoint-waits': 'its endpoint has asked for time',
  'endpoint-open': 'its endpoint failed too often and is left alone',
  'endpoint-busy': 'its endpoint has as much in hand as it may',
} as const;

/**
 * Why a callback was not delivered, in a word of a small set, fit for groups and metrics. Those of statuses (`status-503`) and of
 * faults of ours (`ours-emfile`) are made.
 */
export type CallbackCause = keyof typeof meanings | `status-${number}` | `ours-${string}`;

/** A cause's word in a sentence. A word that is not known (a newer service's) is shown as it is. */
export function describeCause(word: string): string {
  const status = /^status-(\d{3})$/.exec(word)?.[1];
  if (status !== undefined) return `the receiver answered ${status}`;
  if (word.startsWith('ours-')) return `a fault of ours (${word.slice('ours-'.length)})`;
  return Object.hasOwn(meanings, word) ? meanings[word as keyof typeof meanings] : word;
}
