import type { ListPage } from '../source/source.ts';
import { OVERLAP_ROWS, type Position } from './reading.ts';
import { type Counted, endsAsCounted, isLinked, keyOf, type TieGroup } from './ties.ts';

/** How a page fits to where a walk stands. */
export interface Fit {
  /** `links`: the walk can go on with it. `below`: rows between it and the frontier are still to be read. */
  kind: 'links' | 'below' | 'useless';
  /** Rows of it above the frontier, which come for the second time; less than 0: all of them. */
  above: number;
}

/** Of a page of fewer rows than this, the end of a list apart, no more than one may be above the frontier. */
const SHORT_PAGE_ROWS = OVERLAP_ROWS + 1;

/**
 * Whether no row can lie between what was read down to the frontier and this page: it begins at the top of the list, or
 * with a row strictly above the frontier, or with a row of the group of ties at it that a linked page has shown. A row between
 * the last two of the page before will not do: the last one, too, may stand too high.
 *
 * One row above the frontier alone is no proof: it may be one that the server has in the wrong place. It must be one that the
 * last page has shown (`shown`: the keys of its rows), or one of the same activity there (`above`), and come with a row at
 * the frontier.
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
    // Within a group that was counted a page proves nothing, and leads on down. At its end any row of it will do, if it
    // still ends where it did: else what ended it stood in the wrong place.
    const { counted } = at;
    const isCounted = begins === counted?.activity;
    if (isCounted && lastActivity(page) === begins) return true;
    const isShown = at.shown.has(keyOf(upper));
    const above = rows.filter(({ activity }) => activity !== null && activity > at.frontier).length;
    // Of ties that come in another order each time, another one may stand there.
    const joinsFrontier = rows.some(({ activity }) => activity === at.frontier);
    const isKnown = above > 1 || (joinsFrontier && (isShown || begins === at.above));
    const isAbove = begins > at.proven || (isCounted && endsAsCounted(counted, page, at.offset));
    return (rows.length < SHORT_PAGE_ROWS && page.hasMore) || (isKnown && (isShown || isAbove));
  }
  return at.ties !== null && isLinked(at.ties, first);
}

/** The page that was asked for because the end was doubtful has only rows, none with an activity, that were shown above it. */
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
 * The page as it is where its rows are in order, newest activity first; else the same rows, those that stand out of order
 * without their activity: it says nothing about their place. Of all that could be left out, the fewest are.
 */
export function inPlace(page: ListPage): ListPage {
  if (isOrdered(page)) return page;
  const kept = longestOrdered(page);
  const rows = page.rows.map((row, i) => (kept.has(i) ? row : { ...row, activity: null }));
  return { ...page, rows };
}

/** The activity of the first row that has one; null where none has. */
export function firstActivity({ rows }: ListPage): number | null {
  return rows.find(({ activity }) => activity !== null)?.activity ?? null;
}

/** The same of the last row. */
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

/** Places of the longest choice of rows that are in order: a longest subsequence, found by patience sorting. */
function longestOrdered({ rows }: ListPage): ReadonlySet<number> {
  const activityAt = (place: number): number => rows[place]?.activity ?? -Infinity;
  /** By length less one: the place of the row with which the best choice of that length ends. */
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
