import type { Filters } from '@juice/mesos';

const defaultRefuseSeconds = 5;
const maxRefuseSeconds = 365 * 24 * 3600;

/** How long an answer refuses what it answers; 0: not at all. What is negative counts as the default, what is too long as a year. */
export function refuseMsOf(filters: Filters | undefined): number {
  const asked = filters?.refuse_seconds ?? defaultRefuseSeconds;
  return Math.min(asked >= 0 ? asked : defaultRefuseSeconds, maxRefuseSeconds) * 1000;
}
