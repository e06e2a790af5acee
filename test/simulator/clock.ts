import type { Clock } from '../../src/model/clock.ts';

/** Simulated time that several processes share: it advances only when told to. */
export interface SimulatedTime {
  now(): number;
  /** Advances the time by `ms`, and runs what is due in the processes that are not frozen. */
  advance(ms: number): void;
  /** Returns the clock of one process. While `isFrozen` returns true, none of its intervals fire. */
  clockFor(isFrozen: () => boolean): Clock;
}

export function createSimulatedTime(startMs: number): SimulatedTime {
  const tickers = new Set<{ ms: number; next: number; task: () => void; isFrozen: () => boolean }>();
  let time = startMs;
  const advance = (ms: number): void => {
    time += ms;
    for (const ticker of tickers) {
      if (ticker.isFrozen() || ticker.next > time) continue;
      ticker.next = time + ticker.ms;
      ticker.task();
    }
  };
  return {
    now: () => time,
    advance,
    clockFor: (isFrozen) => ({
      now: () => time,
      sleep: async (ms, signal) => {
        signal?.throwIfAborted();
        advance(ms);
      },
      timeout: () => new AbortController().signal,
      every: (ms, task) => {
        const ticker = { ms, next: time + ms, task, isFrozen };
        tickers.add(ticker);
        return () => void tickers.delete(ticker);
      },
    }),
  };
}
