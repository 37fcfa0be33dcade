import type { ReplayAnswer } from '@juice/contracts';
import { failedAgain, type DeadChoice, type Replay } from '@juice/persistence';

/** A replay as it is told. */
export function viewReplay(replay: Replay): ReplayAnswer {
  const { replayId, owner, by, reason, ratePerSecond, state, selected, replayed, skipped, delivered, waiting } = replay;
  return {
    replayId,
    ...(owner !== null && { tenant: owner }),
    ...{ by, reason, choice: viewChoice(replay.choice), ratePerSecond, state },
    ...{ selected, replayed, skipped, delivered, failedAgain: failedAgain(replay), waiting },
    createdAt: iso(replay.createdAtMs),
    ...(replay.endedAtMs !== null && { endedAt: iso(replay.endedAtMs) }),
    words: replay.words.map(({ action, atMs, by: who, reason: why }) => ({
      ...{ action, at: iso(atMs), by: who },
      ...(why !== null && { reason: why }),
    })),
  };
}

export function viewChoice({ tenantId, taskIds, group, origin, reason, sinceMs, untilMs }: DeadChoice) {
  return {
    ...(taskIds !== undefined && { ids: taskIds.length }),
    ...(group !== undefined && { group }),
    ...(tenantId !== null && { tenant: tenantId }),
    ...(origin !== undefined && { endpoint: origin }),
    ...(reason !== undefined && { cause: reason }),
    ...(sinceMs !== undefined && { since: iso(sinceMs) }),
    ...(untilMs !== undefined && { until: iso(untilMs) }),
  };
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
