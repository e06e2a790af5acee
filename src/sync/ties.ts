import type { ListPage, ListRow } from '../ports.ts';

/** Rows of one activity that fill more than a page. */
export interface TieGroup {
  /** Null: rows whose activity could not be read. */
  activity: number | null;
  /** The different rows met so far, on all passes: what is counted. */
  met: Set<string>;
  /** Those of them that a page showed which linked: nothing above them was passed over, so a page may begin there. */
  linked: Set<string>;
  /** The place of its first row, and the API's total when that was read; null until it is known. */
  start: { offset: number; total: number | null } | null;
}

/** Walks over one group of ties, to meet all of it, before it is left unproven. */
const TIE_PASSES = 10;

/** A group of ties whose first rows `page`, read at `offset`, shows. */
export function beginTies(offset: number, activity: number | null, page: ListPage): TieGroup {
  const { rows } = placeUnreadable(page);
  const first = rows.findIndex((row) => row.activity === activity);
  const keys = rows.filter((row) => row.activity === activity).map(keyOf);
  return {
    activity,
    met: new Set(keys),
    linked: new Set(keys),
    start: { offset: offset + first, total: page.total },
  };
}

/** The group being walked, with the rows of it that this page shows: `met` and `linked` grow in place. */
export function meetTies(
  ties: TieGroup | null,
  { offset, page, linked }: { offset: number; page: ListPage; linked: boolean },
): TieGroup | null {
  if (ties === null) return null;
  const { rows } = placeUnreadable(page);
  for (const row of rows.filter(({ activity }) => activity === ties.activity)) {
    ties.met.add(keyOf(row));
    if (linked) ties.linked.add(keyOf(row));
  }
  const first = rows.findIndex((row) => row.activity === ties.activity);
  // Below rows of which nothing is known the group may have begun already, further up.
  const showsStart = first >= 0 && (offset === 0 || (rows[first - 1]?.activity ?? null) !== null);
  return showsStart ? { ...ties, start: { offset: offset + first, total: page.total } } : ties;
}

/**
 * Whether all of a group of ties was met, once a page shows its end: as many different rows as places that it
 * fills, while the API's total stood still.
 *
 * Where the API keeps the order of ties, the links alone prove it, however the list moves: every page began at a row
 * up to which nothing was passed over. Where the order changes from request to request the count proves it, as long
 * as no row leaves the group, or the rows above it, for one below while the group is read: no answer of the API shows that.
 */
export function judgeTies(
  ties: TieGroup,
  at: { offset: number; frontier: number; passes: number },
  page: ListPage,
): 'open' | 'proven' | 'again' | 'unproven' {
  if (ties.activity === null) return 'proven';
  const left = at.frontier < ties.activity || !page.hasMore;
  if (!left) return 'open';
  const { rows } = placeUnreadable(page);
  const end = at.offset + rows.findLastIndex((row) => row.activity === ties.activity) + 1;
  const { start } = ties;
  if (start !== null && start.total === page.total && ties.met.size >= end - start.offset) return 'proven';
  return at.passes < TIE_PASSES ? 'again' : 'unproven';
}

/** Whether this very row of the group was shown by a page that linked. */
export function isLinked(ties: TieGroup, row: ListRow): boolean {
  return row.activity === ties.activity && ties.linked.has(keyOf(row));
}

/**
 * The page as ties are counted: a row whose activity cannot be read stands with the row above it, so it fills a place
 * among that one's ties. On top of the page nothing is known of its place.
 */
function placeUnreadable(page: ListPage): ListPage {
  let above: number | null = null;
  const rows = page.rows.map((row) => {
    above = row.activity ?? above;
    return row.task === undefined ? { ...row, activity: above } : row;
  });
  return { ...page, rows };
}

/** What tells two rows apart: the id, or the whole row where it has none. */
function keyOf(row: ListRow): string {
  return row.task?.id ?? row.rejected?.id ?? row.rejected?.payload ?? '';
}
