import type { Response } from 'express';
import { openEventSink } from './event-sink.ts';
import type { FollowEvents, Following, FollowWish } from './follow-events.ts';
import { refuseWhileStopping, type Refusal } from './refusal.ts';
import { createStreamSeats } from './stream-seats.ts';

/**
 * `ended`: its task has; `left`: its client has; `slow`: its client was cut off; `denied`: its client may not read any more; `old`: it
 * was open for long; `stopped`: we stop.
 */
export type StreamEnd = 'ended' | 'left' | 'slow' | 'denied' | 'old' | 'stopped';

export interface EventStreams {
  /**
   * Makes the answer a stream of what is wished, and resolves when it has ended; or leaves it unanswered, with why. `over`: the task has
   * ended, and nothing follows the place named. `mayStill`, whether the client may read on, is asked again and again.
   */
  serve(wish: FollowWish, response: Response, mayStill: () => Promise<boolean>): Promise<'served' | 'over' | Refusal>;
  readonly open: number;
  /** Ends all streams, so that their clients go on elsewhere, and takes no more. */
  stop(): void;
}

/** A client that takes nothing for so long while there is something to take would be served better by coming back. */
const usualDrainMs = 30_000;
/** Then a client has to come again: connections spread over the processes there are by then. */
const usualLifeMs = 3_600_000;
/** For so long a stream goes on whose key was revoked; a thousand streams are asked about some thirty times a second. */
const usualRecheckMs = 30_000;

export function createEventStreams(deps: {
  follow: FollowEvents;
  most: number;
  mostPerTenant: number;
  ended: (reason: StreamEnd) => void;
  drainMs?: number;
  lifeMs?: number;
  recheckMs?: number;
}): EventStreams {
  const { follow, ended, drainMs = usualDrainMs, lifeMs = usualLifeMs, recheckMs = usualRecheckMs } = deps;
  const seats = createStreamSeats({ ...deps, what: 'event streams' });
  const enders = new Set<(why: StreamEnd) => void>();
  let isStopped = false;

  async function run(following: Following, response: Response, mayStill: () => Promise<boolean>): Promise<void> {
    const sink = openEventSink(response, drainMs);
    let endedBy: StreamEnd | null = null;
    const end = (why: StreamEnd): void => {
      endedBy ??= why;
      sink.end();
    };
    const recheck = async (): Promise<void> => {
      if (!(await mayStill())) end('denied');
    };
    enders.add(end);
    const life = setTimeout(() => end('old'), lifeMs);
    const rechecks = setInterval(() => void recheck(), recheckMs);
    try {
      const outcome = await following.run(sink);
      sink.end();
      if (outcome === 'ended') ended('ended');
      else ended(sink.isTooSlow ? 'slow' : (endedBy ?? 'left'));
    } finally {
      clearTimeout(life);
      clearInterval(rechecks);
      enders.delete(end);
    }
  }

  return {
    async serve(wish, response, mayStill) {
      if (isStopped) return refuseWhileStopping();
      const seat = seats.take(wish.tenantId);
      if (!seat.ok) return seat;
      try {
        const following = await follow(wish);
        if (following.ok === 'over') return 'over';
        if (!following.ok) return following;
        if (isStopped || response.closed) {
          following.drop();
          return isStopped ? refuseWhileStopping() : 'served';
        }
        await run(following, response, mayStill);
        return 'served';
      } finally {
        seat.free();
      }
    },
    get open() {
      return seats.taken;
    },
    stop() {
      isStopped = true;
      for (const end of enders) end('stopped');
    },
  };
}
