/** Above the first yield, more requests under way pay off; below the second, fewer do. */
const YIELD_TO_GROW = 0.78;
const YIELD_TO_SHRINK = 0.7;
/** Each new page counts for this share of the yield. */
const PAGE_WEIGHT = 1 / 16;
const SHRINK_FACTOR = 0.8;
/** Least growth step. A low yield halves the step, so that growth is rarely tried in vain. */
const SLOWEST_GROWTH = 1 / 64;

/**
 * How many requests may be under way at once: one at first, one more with each page that brings as much as a
 * page can, up to `most`. If the API pushes back, the window is halved and then grows slowly. If many rows
 * come twice, because the list moves faster than pages can be fitted together, it shrinks until that
 * improves.
 */
export class Window {
  readonly #most: number;
  #size = 1;
  /** From this size on it grows slowly. */
  #ceiling = Infinity;
  #step = 1;
  /** Rows that pages brought, as a share of what they could have brought: a moving average, 1 at best. */
  #yield = 1;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return Math.floor(this.#size);
  }

  /** Records that an answer was used: it brought `rows` of the `most` that it could have brought. */
  used(rows: number, most: number): void {
    this.#yield += (Math.min(1, rows / Math.max(1, most)) - this.#yield) * PAGE_WEIGHT;
    if (this.#yield < YIELD_TO_SHRINK) {
      this.#step = Math.max(SLOWEST_GROWTH, this.#step / 2);
      this.#shrink(SHRINK_FACTOR);
      // Requests that were under way say nothing about the smaller window.
      this.#yield = (YIELD_TO_SHRINK + YIELD_TO_GROW) / 2;
    } else if (this.#yield >= YIELD_TO_GROW) {
      const step = this.#size < this.#ceiling ? 1 : this.#step / this.#size;
      this.#size = Math.min(this.#most, this.#size + step);
    }
  }

  /** Halves the window: the API asks for fewer requests, or even a page right at the walk does not fit. */
  halve(): void {
    this.#shrink(1 / 2);
  }

  #shrink(share: number): void {
    this.#size = Math.max(1, this.#size * share);
    this.#ceiling = this.#size;
  }
}
