/** Above this yield more requests under way pay, below the other one fewer do. */
const YIELD_TO_GROW = 0.78;
const YIELD_TO_SHRINK = 0.7;
/** So many pages make the yield: each new one counts for this share. */
const PAGE_WEIGHT = 1 / 16;
const SHRINK_FACTOR = 0.8;
/** How much the window grows with a page, once it had to shrink: each time half as fast, so that it is seldom tried in vain. */
const SLOWEST_GROWTH = 1 / 64;

/**
 * How many requests may be under way at once: one at first, one more with each page that brings what a page can bring,
 * up to `most`. An API that pushes back halves it, whereupon it grows slowly. Where many rows come for the second time,
 * since the list moves faster than pages can be fitted together, it shrinks until that gets better.
 */
export class Window {
  readonly #most: number;
  #size = 1;
  /** From this size on it grows slowly. */
  #ceiling = Infinity;
  #step = 1;
  /** Rows that pages brought of those that they could have, 1 at best: a moving average. */
  #yield = 1;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return Math.floor(this.#size);
  }

  /** An answer was used: it brought so many rows of `most` that it could have. */
  used(rows: number, most: number): void {
    this.#yield += (Math.min(1, rows / Math.max(1, most)) - this.#yield) * PAGE_WEIGHT;
    if (this.#yield < YIELD_TO_SHRINK) {
      this.#step = Math.max(SLOWEST_GROWTH, this.#step / 2);
      this.#shrink(SHRINK_FACTOR);
      // What was under way says nothing of the smaller window.
      this.#yield = (YIELD_TO_SHRINK + YIELD_TO_GROW) / 2;
    } else if (this.#yield >= YIELD_TO_GROW) {
      const step = this.#size < this.#ceiling ? 1 : this.#step / this.#size;
      this.#size = Math.min(this.#most, this.#size + step);
    }
  }

  /** The API asked to be asked less, or not even a page asked for right where the walk is fits there. */
  halve(): void {
    this.#shrink(1 / 2);
  }

  #shrink(share: number): void {
    this.#size = Math.max(1, this.#size * share);
    this.#ceiling = this.#size;
  }
}
