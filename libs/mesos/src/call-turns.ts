import type { CallAnswer } from './answers.ts';
import { notSent, streamIsOver, type CallLane, type Pending } from './call-lane.ts';
import { createLine } from './line.ts';

/**
 * Calls in turn: `limit` at once, the others in order as those before them are answered. A call waits as long as that
 * takes, since a master that answers is to be waited for. But once more calls in a row have failed than there are
 * connections, it is not a stale connection or two, the master cannot be reached: those waiting are given up too, instead
 * of each finding it out for itself.
 */
export function createTurns(parts: {
  readonly limit: number;
  readonly maxWaiting: number;
  /** Sends one call; never rejects. */
  readonly send: (body: Uint8Array) => Promise<CallAnswer>;
  /** Called once: it has ended and nothing is in flight. */
  readonly onClosed: () => void;
}): CallLane {
  const { limit, maxWaiting } = parts;
  const line = createLine<Pending>();
  let inFlight = 0;
  let failures = 0;
  let isOver = false;

  async function run({ body, settle }: Pending): Promise<void> {
    inFlight += 1;
    const answer = await parts.send(body);
    inFlight -= 1;
    failures = answer.kind === 'unknown' ? failures + 1 : 0;
    settle(answer);
    if (answer.kind === 'unknown' && failures > limit) settleAll(notSent(answer.detail));
    const [next] = line.take(1);
    if (next !== undefined) void run(next);
    closeWhenDone();
  }

  function settleAll(answer: CallAnswer): void {
    for (const { settle } of line.take(line.size())) settle(answer);
  }

  function closeWhenDone(): void {
    if (isOver && inFlight === 0) parts.onClosed();
  }

  return {
    call(body) {
      if (isOver) return Promise.resolve(streamIsOver);
      if (line.size() >= maxWaiting) return Promise.resolve(notSent(`${maxWaiting} calls wait already`));
      return new Promise((settle) => {
        if (inFlight < limit) void run({ body, settle });
        else line.add({ body, settle });
      });
    },
    waiting: () => line.size(),
    end() {
      if (isOver) return;
      isOver = true;
      settleAll(streamIsOver);
      closeWhenDone();
    },
  };
}
