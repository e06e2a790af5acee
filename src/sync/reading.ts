import type { ListPage } from '../source/source.ts';
import type { Fit } from './links.ts';

/** The place of a walk. */
export interface Position {
  /** Where to read next, in rows from the top. */
  offset: number;
  /**
   * The lowest activity (ms) that was read without a hole: the next page has to link to it. Infinity at the
   * very beginning.
   */
  frontier: number;
  /**
   * Everything with activity above this (ms) is proven to be read. It is the activity of the last row but
   * one: only when the next page goes on below does it show that the last row of a page is where it belongs.
   */
  proven: number;
}

export const TOP: Position = { offset: 0, frontier: Infinity, proven: Infinity };

/**
 * Rows by which a page overlaps the one above it in a list at rest: one above the frontier, and one at it.
 */
export const OVERLAP_ROWS = 2;

/** Returns the rows that each page after the first adds in a list at rest. */
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
  /** The reason, for people. */
  reason: string;
}

/** The place where a walk wants to go on, for the reader of its pages. */
export interface Wanted {
  offset: number;
  /** Derived from the rows of the last page, which have since moved with the list; else this exact place. */
  isRow: boolean;
  /** The place of the last row above the frontier when it was read; null if the walk is not at such a row. */
  anchor: number | null;
  /** Judges how a page would fit there, as the walk itself does. */
  fit(placed: PlacedPage): Fit;
}

export type ReadNext = (wanted: Wanted) => Promise<PlacedPage | Hole>;

/** The outcome of one request. */
export interface Slice {
  /** Null if the API could not serve this place. */
  page: ListPage | null;
  /** The interval of activity, above < a <= upTo, that this page newly proves; -Infinity: to the end. */
  proven: { above: number; upTo: number } | null;
  /** The page did not link because rows above it had been pulled up, so the walk steps back to read again. */
  repaired: boolean;
  /** Why something stays unproven, for people; the walk goes on unless it has `ended`. */
  doubt: string | null;
  /** A fault of the API that the walk overcame, for people. */
  fault: string | null;
  /** The list's end was reached, or the walk gave up (then `doubt` says why). */
  ended: boolean;
  /** The place of the walk after this page: enough to go on from here later. */
  next: Position;
}
