import { leastRetentionMs, usualRetention, type RetentionOptions } from '@juice/contracts';

/** Throws RangeError for less than the least. */
export function retentionOf(what: keyof RetentionOptions, options: RetentionOptions): number {
  const ms = options[what] ?? usualRetention[what];
  if (ms >= leastRetentionMs) return ms;
  throw new RangeError(`${what} must be at least ${leastRetentionMs}, not ${ms}`);
}
