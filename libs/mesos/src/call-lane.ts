import type { CallAnswer } from './answers.ts';

/** A way on which calls are sent: so many are in flight at once, more wait in order. */
export interface CallLane {
  /** Resolves with what the master made of it, or with why it was not sent. */
  call(body: Uint8Array): Promise<CallAnswer>;
  /** How many have not been sent yet. */
  waiting(): number;
  /** The stream is over: what waits is not sent any more, what is in flight is still answered; then it closes. */
  end(): void;
}

/** A call that waits, or is in flight. */
export interface Pending {
  readonly body: Uint8Array;
  readonly settle: (answer: CallAnswer) => void;
}

export const streamIsOver: CallAnswer = { kind: 'subscription-lost', detail: 'the stream is over' };

/** Given up before it was sent. Whether the framework still stands is not known, and so what it would have been told is not. */
export function notSent(why: string): CallAnswer {
  return { kind: 'unknown', detail: `not sent: ${why}` };
}
