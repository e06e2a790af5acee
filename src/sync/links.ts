import type { ListPage } from '../source/source.ts';
import { OVERLAP_ROWS, type Position } from './reading.ts';
import { type Counted, endsAsCounted, isLinked, keyOf, type TieGroup } from './ties.ts';

/** The fit of a page to the current place of a walk. */
export interface Fit {
  /** `links`: the walk can go on with it. `below`: rows between it and the frontier are still unread. */
  kind: 'links' | 'below' | 'useless';
  /** Number of its rows above the frontier, which are repeats; less than 0: all of them. */
  above: number;
}

/** A page of fewer rows need not show a second row above the frontier, unless it ends the list. */
const SHORT_PAGE_ROWS = OVERLAP_ROWS + 1;

/**
 * Returns whether no row can lie between what was read down to the frontier and this page: the page begins at
 * the top of the list, or with a row strictly above the frontier, or with a row of the group of ties at the
 * frontier that a linked page has shown. A row between the last two of the page before is not enough: the
 * last one, too, may be listed too high.
 *
 * A single row above the frontier is no proof: the server may have it in the wrong place. It must be a row
 * that the last page has shown (`shown`: the keys of its rows), or have the same activity as one there
 * (`above`), and it must come with a row at the frontier.
 */
export function links(
  at: Position & {
    ties: TieGroup | null;
    counted: Counted | null;
    shown: ReadonlySet<string>;
    above: number | null;
  },
  page: ListPage,
): boolean {
  if (at.offset === 0) return true;
  const { rows } = page;
  const [first] = rows;
  if (first === undefined) return false;
  const upper = rows.find(({ activity }) => activity !== null);
  const begins = upper?.activity ?? -Infinity;
  if (upper !== undefined && begins > at.frontier && begins >= at.proven) {
    // A page within a group that was counted proves nothing, but leads on down. At the end of the group any
    // of its rows is enough, if it still ends where it did; else the row that ended it was in the wrong
    // place.
    const { counted } = at;
    const isCounted = begins === counted?.activity;
    if (isCounted && lastActivity(page) === begins) return true;
    const isShown = at.shown.has(keyOf(upper));
    const above = rows.filter(({ activity }) => activity !== null && activity > at.frontier).length;
    // Ties may come in another order each time, so another one of them may be there.
    const joinsFrontier = rows.some(({ activity }) => activity === at.frontier);
    const isKnown = above > 1 || (joinsFrontier && (isShown || begins === at.above));
    const isAbove = begins > at.proven || (isCounted && endsAsCounted(counted, page, at.offset));
    return (rows.length < SHORT_PAGE_ROWS && page.hasMore) || (isKnown && (isShown || isAbove));
  }
  return at.ties !== null && isLinked(at.ties, first);
}

/**
 * Returns whether the page that was asked for because the end was doubtful confirms the end: all its rows
 * were shown above it, and none has an activity.
 */
export function confirmsEnd(
  { saidEnd, shown }: { saidEnd: number | null; shown: ReadonlySet<string> },
  { rows, hasMore }: ListPage,
): boolean {
  return (
    saidEnd !== null &&
    !hasMore &&
    rows.length > 0 &&
    rows.every((row) => row.activity === null && shown.has(keyOf(row)))
  );
}

/**
 * Returns the page as it is if its rows are in order, newest activity first. Else returns the same rows, but
 * without the activity of those out of order, which says nothing about their place. These are as few as
 * possible.
 */
export function inPlace(page: ListPage): ListPage {
  if (isOrdered(page)) return page;
  const kept = longestOrdered(page);
  const rows = page.rows.map((row, i) => (kept.has(i) ? row : { ...row, activity: null }));
  return { ...page, rows };
}

/** Returns the activity of the first row that has one; null if none has. */
export function firstActivity({ rows }: ListPage): number | null {
  return rows.find(({ activity }) => activity !== null)?.activity ?? null;
}

/** Returns the activity of the last row that has one; null if none has. */
export function lastActivity({ rows }: ListPage): number | null {
  return rows.findLast(({ activity }) => activity !== null)?.activity ?? null;
}

function isOrdered({ rows }: ListPage): boolean {
  let above = Infinity;
  for (const { activity } of rows) {
    if (activity === null) continue;
    if (activity > above) return false;
    above = activity;
  }
  return true;
}

/** Returns the places of the longest choice of rows in order: a longest subsequence, by patience sorting. */
function longestOrdered({ rows }: ListPage): ReadonlySet<number> {
  const activityAt = (place: number): number => rows[place]?.activity ?? -Infinity;
  /** At length - 1: the place of the row that ends the best choice of that length. */
  const ends: number[] = [];
  const before = new Map<number, number | undefined>();
  for (const [place, { activity }] of rows.entries()) {
    if (activity === null) continue;
    const found = ends.findIndex((end) => activityAt(end) < activity);
    const length = found < 0 ? ends.length : found;
    before.set(place, ends[length - 1]);
    ends[length] = place;
  }
  const kept = new Set<number>();
  for (let place = ends.at(-1); place !== undefined; place = before.get(place)) kept.add(place);
  return kept;
}
