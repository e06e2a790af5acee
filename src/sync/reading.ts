import type { ListPage } from '../source/source.ts';
import type { Fit } from './links.ts';

/** Where a walk stands. */
export interface Position {
  /** Where to read next, in rows from the top. */
  offset: number;
  /** The lowest activity (ms) that was read without a hole: what the next page has to link to. Infinity at the very beginning. */
  frontier: number;
  /**
   * Everything with activity above this (ms) is proven to be read. It is that of the last row but one: that the
   * last of a page stands where it belongs only shows once the next page goes on below it.
   */
  proven: number;
}

export const TOP: Position = { offset: 0, frontier: Infinity, proven: Infinity };

/** Rows by which a page overlaps the one above it in a list at rest: one strictly above the frontier, and one at it. */
export const OVERLAP_ROWS = 2;

/** Rows that each page after the first adds in a list at rest. */
export function newRowsPerPage(pageSize: number): number {
  return Math.max(1, pageSize - OVERLAP_ROWS);
}

/** A page, and where it was read: at the place asked for, or near it. */
export interface PlacedPage {
  offset: number;
  page: ListPage;
  /** Rows that were asked for. */
  asked: number;
}

/** A stretch of the list that the API cannot serve. */
export interface Hole {
  offset: number;
  /** Infinity: down to the end of the list. */
  rows: number;
  /** Why, for people. */
  reason: string;
}

/** Where a walk wants to go on, for whoever reads pages for it. */
export interface Wanted {
  offset: number;
  /** It is reckoned from the rows of the last page, which have moved with the list since; else the very place is meant. */
  isRow: boolean;
  /** Where the last row above the frontier stood when it was read; null where the walk is not at such a row. */
  anchor: number | null;
  /** How a page would fit there: what the walk itself makes of it. */
  fit(placed: PlacedPage): Fit;
}

export type ReadNext = (wanted: Wanted) => Promise<PlacedPage | Hole>;

/** What one request brought. */
export interface Slice {
  /** Null where the API could not serve this place. */
  page: ListPage | null;
  /** The interval of activity, above < a <= upTo, that this page newly proves to be read; -Infinity: to the end. */
  proven: { above: number; upTo: number } | null;
  /** The page did not link: rows above it had been pulled up, so the walk steps back to read again. */
  repaired: boolean;
  /** Why something stays unproven, for people; the walk goes on unless it has `ended`. */
  doubt: string | null;
  /** What the API got wrong and the walk got over, for people. */
  fault: string | null;
  /** The list's end was reached, or the walk gave up (then `doubt` says why). */
  ended: boolean;
  /** Where the walk stands after this page: enough to go on from here later. */
  next: Position;
}
