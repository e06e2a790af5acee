import type { PlacedPage } from './reading.ts';
import { keyOf } from './ties.ts';

/** Pages of which is remembered how the list moved between them and the page above. */
const PAGES_REMEMBERED = 64;
/** With fewer of them, a link that failed counts as if there were so many: one alone says little. */
const LEAST_LINKS = 8;
/** A page never begins further than this share of it from where it is expected to link. */
const MOST_DRIFT_SHARE = 1 / 2;

/** How the list moved between two pages of which one continues the other. */
interface Move {
  /** Rows by which it was pushed down; pulled up: less than 0. */
  rows: number;
  /** Requests that it was away: the list moves as time goes by, and each request takes about as long. */
  requests: number;
}

/** By how many rows a page shows that the list moved; `isLeast`: by so many or more, the same way. */
export interface Shown {
  rows: number;
  isLeast: boolean;
}

/**
 * How far the list had moved when a page was read: by where it shows the frontier, against where it would at rest. `anchor`:
 * where the last row above the frontier stood. Null where it does not show that.
 */
export function shownBy({ offset, page }: PlacedPage, above: number, anchor: number | null): Shown | null {
  if (anchor === null || above === 0 || page.rows.length === 0) return null;
  const isLeast = above < 0;
  return { rows: (isLeast ? page.rows.length : above) - 1 - (anchor - offset), isLeast };
}

/** The same for a page that began too low: the one that fills the `seam`, `above` rows of it above the frontier, shows it. */
export function shownBySeam(
  tooLow: PlacedPage,
  { page }: PlacedPage,
  { above, anchor }: { above: number; anchor: number | null },
): Shown | null {
  const [first] = tooLow.page.rows;
  if (anchor === null || first === undefined || above <= 0) return null;
  // Ties may come in another order with each request: their places tell nothing.
  const isTied = [tooLow.page, page].some(
    ({ rows }) => rows.filter(({ activity }) => activity === first.activity).length > 1,
  );
  if (isTied) return null;
  const place = page.rows.findIndex((row) => keyOf(row) === keyOf(first));
  const isLeast = place < 0;
  const missed = (isLeast ? page.rows.length : place) - above + 1;
  return { rows: -missed - (anchor - tooLow.offset), isLeast };
}

/** How a list has moved between the last few dozen pages. Where the next one is best begun follows. */
export class Drift {
  readonly #moves: Move[] = [];

  /** `requests`: from the page that is continued to the one that shows it. */
  learn(shown: Shown | null, requests: number): void {
    if (shown === null) return;
    const { rows, isLeast } = shown;
    const expected = this.expected(requests);
    if (isLeast && (rows < 0 ? expected <= rows : expected >= rows)) return;
    this.#moves.push({ rows, requests });
    if (this.#moves.length > PAGES_REMEMBERED) this.#moves.shift();
  }

  /** What is remembered does not hold any more. */
  forget(): void {
    this.#moves.length = 0;
  }

  /** Rows by which the list is likely to be pushed down while so many requests are made. */
  expected(requests: number): number {
    return Math.round(this.#rate * requests);
  }

  /**
   * Rows by which to begin a page higher than where it is expected to link. It is the margin that would have cost least so
   * far: each of its rows comes twice, and a page that begins too low costs one more of `pageRows`.
   */
  margin(pageRows: number): number {
    const rate = this.#rate;
    const surprises = this.#moves.map(({ rows, requests }) => rows - Math.round(rate * requests));
    const costOf = (margin: number): number => {
      const failed = surprises.filter((rows) => rows < -margin).length;
      return margin + (pageRows * failed) / Math.max(LEAST_LINKS, surprises.length);
    };
    let best = 0;
    let least = costOf(0);
    for (const margin of new Set(surprises.map((rows) => -rows))) {
      const cost = Math.abs(margin) > pageRows * MOST_DRIFT_SHARE ? Infinity : costOf(margin);
      if (cost < least) [best, least] = [margin, cost];
    }
    return best;
  }

  /** Rows a request, by least squares. */
  get #rate(): number {
    let [products, squares] = [0, 0];
    for (const { rows, requests } of this.#moves) {
      products += rows * requests;
      squares += requests * requests;
    }
    return squares === 0 ? 0 : products / squares;
  }
}
