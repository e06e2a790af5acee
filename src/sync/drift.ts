import type { PlacedPage } from './reading.ts';
import { keyOf } from './ties.ts';

/** Number of pages for which the movement of the list since the page above is remembered. */
const PAGES_REMEMBERED = 64;
/** With fewer pages, a failed link counts as if there were this many: one page alone says little. */
const LEAST_LINKS = 8;
/** A page begins at most this share of its rows away from where it is expected to link. */
const MOST_DRIFT_SHARE = 1 / 2;

/** The movement of the list between two pages of which one continues the other. */
interface Move {
  /** Rows by which the list was pushed down; less than 0 if it was pulled up. */
  rows: number;
  /** Requests between the two: the list moves with time, and each request takes about as long. */
  requests: number;
}

/** Rows by which a page shows that the list moved. `isLeast`: by this many or more in the same direction. */
export interface Shown {
  rows: number;
  isLeast: boolean;
}

/**
 * Returns how far the list had moved when a page was read: where it shows the frontier, compared with where
 * it would at rest. `anchor`: the place of the last row above the frontier. Null if the page does not show
 * it.
 */
export function shownBy({ offset, page }: PlacedPage, above: number, anchor: number | null): Shown | null {
  if (anchor === null || above === 0 || page.rows.length === 0) return null;
  const isLeast = above < 0;
  return { rows: (isLeast ? page.rows.length : above) - 1 - (anchor - offset), isLeast };
}

/**
 * Returns the same for a page that began too low. The page that fills the seam shows it; `above` of its rows
 * are above the frontier.
 */
export function shownBySeam(
  tooLow: PlacedPage,
  { page }: PlacedPage,
  { above, anchor }: { above: number; anchor: number | null },
): Shown | null {
  const [first] = tooLow.page.rows;
  if (anchor === null || first === undefined || above <= 0) return null;
  // Ties may come in another order with each request, so their places show nothing.
  const isTied = [tooLow.page, page].some(
    ({ rows }) => rows.filter(({ activity }) => activity === first.activity).length > 1,
  );
  if (isTied) return null;
  const place = page.rows.findIndex((row) => keyOf(row) === keyOf(first));
  const isLeast = place < 0;
  const missed = (isLeast ? page.rows.length : place) - above + 1;
  return { rows: -missed - (anchor - tooLow.offset), isLeast };
}

/** The movement of the list between the last few dozen pages, which shows where to begin the next one. */
export class Drift {
  readonly #moves: Move[] = [];

  /** Records a movement. `requests`: from the page that is continued to the one that shows it. */
  learn(shown: Shown | null, requests: number): void {
    if (shown === null) return;
    const { rows, isLeast } = shown;
    const expected = this.expected(requests);
    if (isLeast && (rows < 0 ? expected <= rows : expected >= rows)) return;
    this.#moves.push({ rows, requests });
    if (this.#moves.length > PAGES_REMEMBERED) this.#moves.shift();
  }

  /** Forgets all movements, because they no longer hold. */
  forget(): void {
    this.#moves.length = 0;
  }

  /** Returns the rows by which the list is likely to be pushed down while this many requests are made. */
  expected(requests: number): number {
    return Math.round(this.#rate * requests);
  }

  /**
   * Returns the rows by which to begin a page higher than where it is expected to link. It is the margin that
   * would have cost least so far: each of its rows comes twice, and a page that begins too low costs another
   * page of `pageRows`.
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

  /** Rows per request, by least squares. */
  get #rate(): number {
    let [products, squares] = [0, 0];
    for (const { rows, requests } of this.#moves) {
      products += rows * requests;
      squares += requests * requests;
    }
    return squares === 0 ? 0 : products / squares;
  }
}
