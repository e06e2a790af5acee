import type { Clock } from '../../model/clock.ts';

/** Spaces requests out. */
export interface Limiter {
  /** Resolves when the next request may be sent; rejects with the signal's reason as soon as it aborts. */
  turn(signal: AbortSignal): Promise<void>;
}

/**
 * Creates a limiter that lets through one request every 1,000 / `maxPerSecond` ms, in the order of asking;
 * null: all at once. The turn of a request that gave up while it waited stays unused.
 */
export function createLimiter(maxPerSecond: number | null, clock: Clock): Limiter {
  if (maxPerSecond === null) return { turn: async (signal) => signal.throwIfAborted() };

  const interval = 1000 / maxPerSecond;
  let next = -Infinity;
  let last = -Infinity;
  return {
    async turn(signal) {
      signal.throwIfAborted();
      const now = clock.now();
      // A clock that was set back moves the turns with it, so nobody waits for the lost time.
      if (now < last) next -= last - now;
      last = now;
      const at = Math.max(next, now);
      next = at + interval;
      if (at > now) await clock.sleep(Math.ceil(at - now), signal);
    },
  };
}
