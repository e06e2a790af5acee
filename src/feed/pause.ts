/** The first pause after a failure, in ms; it doubles with each further failure in a row. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** How long an event is tried, in ms, before it is given up. */
const PATIENCE_MS = 3 * 86_400_000;

/**
 * Returns the pause after so many failures in a row, in ms: growing, at least what the receiver asked for, and
 * different each time, so that many hooks do not come back at once. `random`: 0 <= x < 1.
 */
export function pauseAfter(failures: number, random: number, retryAfterMs: number | null): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20));
  return Math.round(Math.max(pause * (0.5 + random / 2), retryAfterMs ?? 0));
}

/** Returns whether an event that became due then is given up, if its hook has failed since `failingSince`. All ms. */
export function isGivenUp(dueAt: number, failingSince: number, now: number): boolean {
  return now - dueAt >= PATIENCE_MS && now - failingSince >= PATIENCE_MS;
}
