import type { Offer } from '../event.ts';
import type { Policy } from '../policy.ts';

/** Whether an agent is about to be taken away by its operators, or is away. */
export function isBeingTakenAway(policy: Policy, unavailability: Offer['unavailability'], atMs: number): boolean {
  if (unavailability === null) return false;
  return unavailability.fromMs - atMs < policy.maintenanceMarginMs && atMs < unavailability.untilMs;
}
