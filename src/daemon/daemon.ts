import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log.ts';
import { type DaemonSource, Lane } from './lane.ts';

export interface DaemonDeps {
  sources: readonly DaemonSource[];
  clock: Clock;
  log: Log;
  /** Returns a number from 0 up to 1: processes that stand by do not all look at the same moment. */
  random?: () => number;
}

/**
 * Runs sources whenever the schedule ticks. Each source has its own lane, so that one that fails or is slow
 * delays no other. Several daemons on one database share the work: one syncs a source, the others stand by.
 */
export class Daemon {
  readonly #lanes: readonly Lane[];
  readonly #running = new Set<Promise<void>>();
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #failed = Promise.withResolvers<never>();

  constructor({ sources, clock, log, random = Math.random }: DaemonDeps) {
    const { signal } = this.#stopping;
    this.#lanes = sources.map((source) => new Lane({ source, clock, log, signal, random }));
    this.#clock = clock;
    // It still rejects for its readers.
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects with what stops the daemon: a failure that only another process can overcome, or a bug. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /**
   * Begins a run of every source that is not running or paused. Call it at each slot of the schedule, with the
   * slot's moment in ms: other daemons may have served it. Without one, it is now.
   */
  tick(slot = this.#clock.now()): void {
    if (this.#stopping.signal.aborted) return;
    for (const lane of this.#lanes) {
      const serving = lane.serve(slot).catch((error: unknown) => this.#failed.reject(error));
      this.#running.add(serving);
      void serving.finally(() => this.#running.delete(serving));
    }
  }

  /** Makes the next run of every source a full one, and ticks. Call it at each slot of the full schedule. */
  tickFull(slot = this.#clock.now()): void {
    for (const lane of this.#lanes) lane.noteFullSlot(slot);
    this.tick(slot);
  }

  /** Begins no further run, and waits for those under way; their own signal ends them soon. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }
}
