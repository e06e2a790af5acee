import type { Clock } from '../../src/model/clock.ts';

/** A clock that a test owns: no call to it ever takes real time. */
export interface FakeClock extends Clock {
  /** The length in ms of every sleep that was begun, in order. */
  readonly waits: readonly number[];
  /** The length in ms of every timeout that was asked for, in order. */
  readonly timeouts: readonly number[];
  /**
   * Advances the time, runs what every() has due and wakes the held sleeps that are over. A negative `ms`
   * sets the clock back, which no timer notices. Fires no timeout.
   */
  advance(ms: number): void;
  /** From now on a sleep lasts until advance() reaches its end; before, it ends at once and time moves on. */
  hold(): void;
  /** Fires every timeout asked for so far, as if its time were up. */
  expireTimeouts(): void;
}

/** Creates a fake clock set to `startMs` (default 2026-01-01). Sleeps end at once until hold() is called. */
export function createFakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  const waits: number[] = [];
  const timeouts: number[] = [];
  const timers: AbortController[] = [];
  let sleepers: { until: number; wake: () => void }[] = [];
  const tickers = new Set<{ ms: number; next: number; task: () => void }>();
  let time = startMs;
  let holding = false;

  const move = (ms: number) => {
    time += ms;
    if (ms < 0) {
      for (const sleeper of sleepers) sleeper.until += ms;
      for (const ticker of tickers) ticker.next += ms;
      return;
    }
    for (const ticker of tickers) {
      for (; tickers.has(ticker) && ticker.next <= time; ticker.next += ticker.ms) ticker.task();
    }
    const due = sleepers.filter((sleeper) => sleeper.until <= time);
    for (const sleeper of due.toSorted((a, b) => a.until - b.until)) sleeper.wake();
  };

  return {
    waits,
    timeouts,
    now: () => time,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      waits.push(ms);
      if (!holding) {
        move(ms);
        return;
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sleeper = { until: time + ms, wake: resolve };
      const abort = () => reject(signal?.reason);
      sleepers.push(sleeper);
      signal?.addEventListener('abort', abort, { once: true });
      try {
        await promise;
      } finally {
        signal?.removeEventListener('abort', abort);
        sleepers = sleepers.filter((other) => other !== sleeper);
      }
    },
    timeout(ms) {
      timeouts.push(ms);
      const timer = new AbortController();
      timers.push(timer);
      return timer.signal;
    },
    every(ms, task) {
      const ticker = { ms, next: time + ms, task };
      tickers.add(ticker);
      return () => void tickers.delete(ticker);
    },
    advance: move,
    hold() {
      holding = true;
    },
    expireTimeouts() {
      for (const timer of timers.splice(0)) timer.abort(new DOMException('The time is up', 'TimeoutError'));
    },
  };
}
