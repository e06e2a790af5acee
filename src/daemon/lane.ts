import type { Clock } from '../model/clock.ts';
import { hasCode, LeaseHeldError } from '../model/errors.ts';
import type { Log } from '../model/log.ts';
import { isOutage } from '../model/outage.ts';
import type { LastRuns } from '../model/run.ts';
import type { SyncResult } from '../sync/sync.ts';
import { FullRuns } from './full-runs.ts';
import { hasEndedSince } from './last-runs.ts';
import { Outage } from './outage.ts';
import { Pause } from './pause.ts';

/** How a daemon asks for a run: see SyncOptions (sync/sync.ts). */
export interface DaemonRun {
  full: boolean;
  isDone: (runs: LastRuns) => boolean;
  onBegin: (run: number) => void;
}

/** One source, as the daemon sees it. */
export interface DaemonSource {
  name: string;
  /** Throws nothing that a run may meet: the result reports it. */
  sync(options: DaemonRun): Promise<SyncResult>;
  /**
   * Returns whether there is another key than the one that the last run was given, or one if that run found
   * none. Gets the key; if it is another one, the next run uses it as it is.
   */
  hasNewKey(): Promise<boolean>;
}

export interface LaneDeps {
  source: DaemonSource;
  clock: Clock;
  log: Log;
  /** Ends its waits. */
  signal: AbortSignal;
  /** Returns a number from 0 up to 1. */
  random: () => number;
}

/**
 * How long a process that stands by waits before it looks again, in ms, and by how much more at most. Whoever
 * synced the source last goes first, so that the source does not change hands at each slot.
 */
const LOOK_MS = 3_000;
const JITTER_MS = 3_000;

/** Failures that only another process gets over: the file is another one, the schema another version's. */
const ENDS = ['database_replaced', 'mirror_newer', 'mirror_outdated'] as const;

/**
 * The runs of one source, one at a time. A failure pauses the source, longer each time. While another process
 * syncs the source, this one stands by: it looks a little after each slot whether that was served, and every
 * few seconds while the other holds the lease, so that it goes on soon after the other's death.
 */
export class Lane {
  readonly #deps: LaneDeps;
  readonly #pause = new Pause();
  readonly #full = new FullRuns();
  readonly #outage: Outage;
  #isBusy = false;
  #isStandby = false;
  /** The last run of this process. */
  #own: number | null = null;

  constructor(deps: LaneDeps) {
    this.#deps = deps;
    this.#outage = new Outage(deps.log, { source: deps.source.name });
  }

  /** Makes the next run a full one. `slot`: the moment since when it is due, in ms. */
  noteFullSlot(slot: number): void {
    this.#full.noteSlot(slot);
  }

  /**
   * Serves the slot at `slot`, in ms, unless an earlier one is still being served or the source is paused.
   * Rejects with what no further run of this process can get over.
   */
  async serve(slot: number): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      const now = this.#deps.clock.now();
      if (this.#pause.isOver(now)) await this.#run(slot);
      else if (this.#pause.isKeyAwaited(now)) await this.#runWithNewKey(slot);
    } finally {
      this.#isBusy = false;
    }
  }

  async #runWithNewKey(slot: number): Promise<void> {
    const { source, log, signal } = this.#deps;
    if (!(await source.hasNewKey()) || signal.aborted) return;
    log.info({ source: source.name }, 'the source has a new key: its pause is over');
    this.#pause.noteNewKey();
    await this.#run(slot);
  }

  async #run(slot: number): Promise<void> {
    let waitMs = this.#isStandby ? this.#lookMs() : null;
    for (;;) {
      if (waitMs !== null && !(await this.#waited(waitMs))) return;
      waitMs = await this.#attempt(slot);
      if (waitMs === null) return;
    }
  }

  /** Returns for how many ms to wait before the same slot is tried again; null: it is done with. */
  async #attempt(slot: number): Promise<number | null> {
    const { source, clock, log, signal } = this.#deps;
    const began = clock.now();
    if (this.#full.isWanted(began)) {
      const result = await this.#sync(true, (runs) => this.#full.isDone(runs, clock.now()));
      if (result.passedOver === null) return this.#note(result, { fullBegan: began });
      this.#full.notePassedOver(result.passedOver, clock.now());
      log.debug({ source: source.name }, 'the full run that is wanted is left to another process');
      if (signal.aborted) return null;
    }
    const isServed = ({ success }: LastRuns): boolean =>
      success?.id !== this.#own && hasEndedSince(success, slot, clock.now());
    return this.#note(await this.#sync(false, isServed), { fullBegan: null });
  }

  async #sync(full: boolean, isDone: DaemonRun['isDone']): Promise<SyncResult> {
    const { source, log } = this.#deps;
    const onBegin = (run: number): void => {
      this.#own = run;
      if (this.#isStandby) log.info({ source: source.name, run }, 'this process syncs the source now');
      this.#isStandby = false;
    };
    return source.sync({ full, isDone, onBegin });
  }

  /** Notes how an attempt ended; returns as {@link #attempt} does. Throws what no further run can get over. */
  #note(result: SyncResult, { fullBegan }: { fullBegan: number | null }): number | null {
    const { report, run, failure } = result;
    if (isOutage(failure)) {
      this.#noteRun(result, fullBegan);
      return this.#outage.note(failure);
    }
    this.#outage.end();
    if (failure instanceof LeaseHeldError) {
      this.#standBy(heldBy(failure));
      return this.#lookMs();
    }
    if (result.passedOver !== null) {
      this.#deps.log.debug({ source: report.name }, 'another process has served this slot');
      this.#standBy('another process keeps the source current');
      return null;
    }
    this.#noteRun(result, fullBegan);
    const fields = { source: report.name, run };
    if (failure === null) {
      if (this.#pause.noteSuccess()) this.#deps.log.info(fields, 'the source works again');
    } else if (report.outcome !== 'interrupted') {
      if (hasCode(failure, ...ENDS)) throw failure;
      const pause = this.#pause.noteFailure(failure, this.#deps.clock.now());
      this.#deps.log.error({ ...fields, ...pause, err: failure }, 'the run failed; the source is paused');
    }
    return null;
  }

  /** Notes a run that began, for the next full one. */
  #noteRun(result: SyncResult, fullBegan: number | null): void {
    if (result.run === null) return;
    if (fullBegan !== null) this.#full.noteFull(result, fullBegan);
    this.#full.noteAdvice(result);
  }

  #standBy(why: string): void {
    const { source, log } = this.#deps;
    if (!this.#isStandby) log.info({ source: source.name }, `${why}; standing by`);
    this.#isStandby = true;
  }

  #lookMs(): number {
    return LOOK_MS + Math.floor(this.#deps.random() * JITTER_MS);
  }

  /** Returns false if the signal came first. */
  async #waited(ms: number): Promise<boolean> {
    const { clock, signal } = this.#deps;
    try {
      await clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return !signal.aborted;
  }
}

function heldBy({ facts }: LeaseHeldError): string {
  if (!('pid' in facts)) return 'another process took the source over';
  const { pid, host, since } = facts;
  return `held by process ${pid} on ${host} since ${since}`;
}
