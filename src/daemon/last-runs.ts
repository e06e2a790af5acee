import { LEASE_MS } from '../model/lease.ts';
import type { EndedRun } from '../model/run.ts';

/**
 * Returns whether a run has ended since a moment, in ms. One in the future was written by a clock that is wrong,
 * unless that clock is only a little ahead: it counts for nothing.
 */
export function hasEndedSince(run: EndedRun | null, since: number, now: number): boolean {
  if (run === null) return false;
  const endedAt = Date.parse(run.endedAt);
  return endedAt >= since && endedAt <= now + LEASE_MS;
}
