import { SafetyStopError } from '../model/errors.ts';
import type { EndedRun, LastRuns } from '../model/run.ts';
import type { SyncResult } from '../sync/sync.ts';
import { hasEndedSince } from './last-runs.ts';
import { isPast } from './pause.ts';

/**
 * Least time between full runs that the API's total asks for, in ms. It doubles each time such a run finds
 * nothing: a total that also counts tasks of other keys asks all the time.
 */
const ADVISED_FULL_MS = 3_600_000;
const LONGEST_ADVISED_MS = 24 * ADVISED_FULL_MS;
/** For how long a full run that failed is left to the process under which it did, in ms. */
const LEFT_TO_OTHERS_MS = 3_600_000;

/** Decides when the next run of a source is a full one. Moments are in ms. */
export class FullRuns {
  /** The first slot of the full schedule that no full run has served. */
  #dueSince: number | null = null;
  /** The last run found the API's total off. */
  #isAdvised = false;
  /** How long such advice is put off after a full run. */
  #advisedMs = ADVISED_FULL_MS;
  /** When the last full run of this process began. */
  #lastAt = -Infinity;
  /** Its id. */
  #own: number | null = null;

  /** A slot of the full schedule has come. */
  noteSlot(slot: number): void {
    this.#dueSince ??= slot;
  }

  isWanted(now: number): boolean {
    return this.#dueSince !== null || (this.#isAdvised && isPast(this.#lastAt, this.#advisedMs, now));
  }

  /** Returns whether other processes have made the full run that is wanted, or are at it. */
  isDone({ full, failedFull }: LastRuns, now: number): boolean {
    const isOfOthersSince = (run: EndedRun | null, since: number): boolean =>
      run?.id !== this.#own && hasEndedSince(run, since, now);
    if (this.#dueSince === null) {
      const since = now - this.#advisedMs;
      return isOfOthersSince(full, since) || isOfOthersSince(failedFull, since);
    }
    return (
      hasEndedSince(full, this.#dueSince, now) ||
      isOfOthersSince(failedFull, Math.max(this.#dueSince, now - LEFT_TO_OTHERS_MS))
    );
  }

  /** The full run that was wanted was not made, since `isDone` is true of these runs. */
  notePassedOver({ full }: LastRuns, now: number): void {
    if (this.#dueSince !== null && hasEndedSince(full, this.#dueSince, now)) this.#dueSince = null;
    this.#isAdvised = false;
  }

  /** A full run that began at `began` has ended. */
  noteFull({ run, failure, foundLateOrGone }: SyncResult, began: number): void {
    if (foundLateOrGone) this.#advisedMs = ADVISED_FULL_MS;
    else if (this.#isAdvised && failure === null)
      this.#advisedMs = Math.min(LONGEST_ADVISED_MS, this.#advisedMs * 2);
    // A full run that failed on the way is due again; one that the brake stopped would only be stopped again.
    if (failure === null || failure instanceof SafetyStopError) this.#dueSince = null;
    else this.#dueSince ??= began;
    this.#isAdvised = false;
    this.#lastAt = began;
    this.#own = run;
  }

  /** A run has ended; `fullAdvised`: the API's total asks for a full one. */
  noteAdvice({ fullAdvised }: Pick<SyncResult, 'fullAdvised'>): void {
    this.#isAdvised ||= fullAdvised;
  }
}
