import { hasCode } from '../model/errors.ts';

/** The first pause after a failure, in ms; it doubles with each further failure in a row. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 30 * 60_000;
/**
 * The pause after a refused key, in ms: only a person can fix it, and each try is one more refused request. A
 * new key ends it.
 */
const KEY_PAUSE_MS = 15 * 60_000;

/** The pauses of a source after its failures. Moments are in ms. */
export class Pause {
  #failures = 0;
  /** No run begins within `ms` of this moment. */
  #since = -Infinity;
  #ms = 0;
  /** The pause waits for a key: a new one ends it. */
  #needsKey = false;
  /** New keys tried since the last success: a command that makes a token at each call has one at each slot. */
  #newKeys = 0;

  isOver(now: number): boolean {
    return isPast(this.#since, this.#ms, now);
  }

  /** Returns whether to look for another key now: it would end the pause. */
  isKeyAwaited(now: number): boolean {
    const ms = this.#newKeys === 0 ? 0 : pauseAfter(this.#newKeys);
    return this.#needsKey && isPast(this.#since, ms, now);
  }

  /** Ends the pause. */
  noteNewKey(): void {
    this.#ms = 0;
    this.#newKeys += 1;
  }

  /** Ends the pause, and forgets the failures; returns whether there were any. */
  noteSuccess(): boolean {
    const hadFailed = this.#failures > 0;
    this.#failures = 0;
    this.#ms = 0;
    this.#newKeys = 0;
    return hadFailed;
  }

  /** Begins a pause; returns its length, and the number of failures in a row. */
  noteFailure(failure: unknown, now: number): { failures: number; pauseMs: number } {
    const isRefused = hasCode(failure, 'key_refused');
    this.#failures += 1;
    this.#since = now;
    this.#ms = isRefused ? KEY_PAUSE_MS : pauseAfter(this.#failures);
    this.#needsKey = isRefused || hasCode(failure, 'key_unusable', 'key_malformed');
    return { failures: this.#failures, pauseMs: this.#ms };
  }
}

/** Returns whether `ms` have passed since a moment. One that far ahead predates a clock that was set back. */
export function isPast(since: number, ms: number, now: number): boolean {
  return Math.abs(now - since) >= ms;
}

/** Returns the pause after so many failures in a row, in ms. */
export function pauseAfter(failures: number, longestMs = LONGEST_PAUSE_MS): number {
  return Math.min(longestMs, FIRST_PAUSE_MS * 2 ** (failures - 1));
}
