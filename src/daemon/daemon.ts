import { hasCode, LeaseHeldError, SafetyStopError } from '../model/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log.ts';
import type { SyncResult } from '../sync/sync.ts';

/** One source, as the daemon sees it. */
export interface DaemonSource {
  name: string;
  /** Throws nothing that a run may meet: the result reports it. */
  sync(options: { full: boolean }): Promise<SyncResult>;
  /**
   * Returns whether there is another key than the one that the last run was given, or one if that run found
   * none. Gets the key; if it is another one, the next run uses it as it is.
   */
  hasNewKey(): Promise<boolean>;
}

export interface DaemonDeps {
  sources: readonly DaemonSource[];
  clock: Clock;
  log: Log;
}

/** The first pause after a failure, in ms; it doubles with each further failure in a row. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 30 * 60_000;
/**
 * The pause after a refused key, in ms: only a person can fix it, and each try is one more refused request. A
 * new key ends it.
 */
const KEY_PAUSE_MS = 15 * 60_000;
/**
 * Least time between full runs that the API's total asks for, in ms. It doubles each time such a run finds
 * nothing: a total that also counts tasks of other keys asks all the time.
 */
const ADVISED_FULL_MS = 3_600_000;
const LONGEST_ADVISED_MS = 24 * ADVISED_FULL_MS;

interface Lane {
  source: DaemonSource;
  running: Promise<void>;
  isRunning: boolean;
  failures: number;
  /** No run begins within `pauseMs` of this moment, ms. */
  pausedAt: number;
  pauseMs: number;
  /** The pause waits for a key: a new one ends it. */
  needsKey: boolean;
  /**
   * New keys tried since the last success: a command that makes a token at each call has one at each slot.
   */
  newKeys: number;
  /** The full schedule has ticked, and no full run has ended since. */
  isFullDue: boolean;
  /** The last run found the API's total off. */
  isFullAdvised: boolean;
  /** How long such advice is put off after a full run, ms. */
  advisedMs: number;
  /** When the last full run began, ms. */
  lastFullAt: number;
}

/**
 * Runs sources whenever the schedule ticks. Each source has its own lane, so that one that fails or is slow
 * delays no other, and a source never has two runs at once. A source that fails is paused, longer each time.
 */
export class Daemon {
  readonly #lanes: readonly Lane[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #failed = Promise.withResolvers<never>();
  #stopped = false;

  constructor({ sources, clock, log }: DaemonDeps) {
    this.#lanes = sources.map((source) => ({
      source,
      running: Promise.resolve(),
      isRunning: false,
      failures: 0,
      pausedAt: -Infinity,
      pauseMs: 0,
      needsKey: false,
      newKeys: 0,
      isFullDue: false,
      isFullAdvised: false,
      advisedMs: ADVISED_FULL_MS,
      lastFullAt: -Infinity,
    }));
    this.#clock = clock;
    this.#log = log;
    // It still rejects for its readers.
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects with what stops the daemon: a failure that only another process can overcome, or a bug. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Begins a run of every source that is not running or paused. Call it at each slot of the schedule. */
  tick(): void {
    if (this.#stopped) return;
    for (const lane of this.#lanes) {
      if (lane.isRunning) continue;
      if (isOver(lane.pausedAt, lane.pauseMs, this.#clock.now())) this.#begin(lane, this.#run(lane));
      else if (this.#isKeyAwaited(lane)) this.#begin(lane, this.#runWithNewKey(lane));
    }
  }

  /** Makes the next run of every source a full one, and ticks. Call it at each slot of the full schedule. */
  tickFull(): void {
    for (const lane of this.#lanes) lane.isFullDue = true;
    this.tick();
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.running));
  }

  /** Begins no further run, and waits for those under way; their own signal ends them soon. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.idle();
  }

  #begin(lane: Lane, work: Promise<void>): void {
    lane.isRunning = true;
    lane.running = work
      .catch((error: unknown) => this.#failed.reject(error))
      .finally(() => {
        lane.isRunning = false;
      });
  }

  #isKeyAwaited({ needsKey, newKeys, pausedAt }: Lane): boolean {
    const pauseMs = newKeys === 0 ? 0 : pauseAfter(newKeys);
    return needsKey && isOver(pausedAt, pauseMs, this.#clock.now());
  }

  async #runWithNewKey(lane: Lane): Promise<void> {
    if (!(await lane.source.hasNewKey()) || this.#stopped) return;
    this.#log.info({ source: lane.source.name }, 'the source has a new key: its pause is over');
    lane.pauseMs = 0;
    lane.newKeys += 1;
    await this.#run(lane);
  }

  async #run(lane: Lane): Promise<void> {
    const began = this.#clock.now();
    const full = lane.isFullDue || (lane.isFullAdvised && isOver(lane.lastFullAt, lane.advisedMs, began));
    const result = await lane.source.sync({ full });
    const { failure } = result;
    if (full) {
      if (result.foundLateOrGone) lane.advisedMs = ADVISED_FULL_MS;
      else if (lane.isFullAdvised && failure === null)
        lane.advisedMs = Math.min(LONGEST_ADVISED_MS, lane.advisedMs * 2);
      // A full run that failed on the way is due again; one that the brake stopped would only be stopped
      // again.
      lane.isFullDue = failure !== null && !(failure instanceof SafetyStopError);
      lane.isFullAdvised = false;
      lane.lastFullAt = began;
    }
    lane.isFullAdvised ||= result.fullAdvised;
    this.#note(lane, result);
  }

  /** Notes how a run ended, for the log and for the lane's next turn. Throws what no further run can get over. */
  #note(lane: Lane, { report, run, failure }: SyncResult): void {
    const fields = { source: report.name, run };
    if (failure === null) {
      if (lane.failures > 0) this.#log.info(fields, 'the source works again');
      lane.failures = 0;
      lane.pauseMs = 0;
      lane.newKeys = 0;
    } else if (failure instanceof LeaseHeldError) {
      this.#log.warn(fields, failure.message);
    } else if (report.outcome !== 'interrupted') {
      if (hasCode(failure, 'database_replaced')) throw failure;
      lane.failures += 1;
      lane.pausedAt = this.#clock.now();
      const isRefused = hasCode(failure, 'key_refused');
      lane.pauseMs = isRefused ? KEY_PAUSE_MS : pauseAfter(lane.failures);
      lane.needsKey = isRefused || hasCode(failure, 'key_unusable', 'key_malformed');
      this.#log.error(
        { ...fields, failures: lane.failures, pauseMs: lane.pauseMs, err: failure },
        'the run failed; the source is paused',
      );
    }
  }
}

/** Returns whether `ms` have passed since a moment. One that far ahead predates a clock that was set back. */
function isOver(since: number, ms: number, now: number): boolean {
  return Math.abs(now - since) >= ms;
}

function pauseAfter(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
}
