import { DependencyFailure } from '@juice/contracts';
import type { DeliveryStore, LaneOverview, ReplayStore } from '@juice/persistence';
import { createAlarm } from './alarm.ts';

/** What was last seen of all lanes together, for metrics. */
export interface OverviewWatch {
  /** null: nothing yet. */
  readonly latest: LaneOverview | null;
  readonly replays: Readonly<Record<string, number>> | null;
  close(): Promise<void>;
}

/** A series each, and there may be ten thousand tenants: those that wait longest are the ones to look at. */
const tenantsShown = 20;
const shortestPauseMs = 30_000;
/** It reads every lane with something to deliver: where that takes long, it is done less often, for a fiftieth of the time. */
const restPerWork = 50;

/** Looks now and then, as long as MongoDB answers. */
export function watchOverview(deps: {
  store: Pick<DeliveryStore, 'overviewLanes'>;
  replays: Pick<ReplayStore, 'countReplays'>;
  monotonicMs: () => number;
  /** Chance, so that several processes do not look at the same time. */
  random: () => number;
  onBroken: (error: unknown) => void;
}): OverviewWatch {
  const { store, monotonicMs, random } = deps;
  const alarm = createAlarm();
  let latest: LaneOverview | null = null;
  let replays: OverviewWatch['replays'] = null;
  let isClosed = false;

  /** How long it took. */
  async function look(): Promise<number> {
    const beganMs = monotonicMs();
    try {
      latest = await store.overviewLanes(tenantsShown);
      replays = await deps.replays.countReplays();
    } catch (error: unknown) {
      // What was seen before stands, and grows old.
      if (!(error instanceof DependencyFailure)) deps.onBroken(error);
    }
    return monotonicMs() - beganMs;
  }

  async function lookForever(): Promise<void> {
    await alarm.sleep(random() * 1_000);
    while (!isClosed) {
      const tookMs = await look();
      if (!isClosed) await alarm.sleep(Math.max(shortestPauseMs, tookMs * restPerWork) * (0.8 + 0.4 * random()));
    }
  }

  const looking = lookForever();
  return {
    get latest() {
      return latest;
    },
    get replays() {
      return replays;
    },
    async close() {
      isClosed = true;
      alarm.ring();
      await looking;
    },
  };
}
