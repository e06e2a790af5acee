import type { ListPage, ListRow } from '../source/source.ts';

/** Rows of one activity that fill more than a page, with rows between them whose activity cannot be read. */
export interface TieGroup {
  /** Null if the activity of the rows could not be read. */
  activity: number | null;
  /** The different rows seen so far, on all passes; these are counted. */
  seen: Set<string>;
  /** Those of them on a page that linked: nothing above them was passed over, so a page may begin there. */
  linked: Set<string>;
  /**
   * The place of its first row, the API's total when that was read, and the unreadable rows right above the
   * group that this place includes; null until known.
   */
  start: { offset: number; total: number | null; beside: readonly string[] } | null;
}

/** Repeated passes over one group of ties, to see all of it, before it is left unproven. */
const TIE_PASSES = 10;

/** Returns a group of ties whose first rows are on `page`, read at `offset`. */
export function beginTies(offset: number, activity: number | null, page: ListPage): TieGroup {
  const ties: TieGroup = { activity, seen: new Set(), linked: new Set(), start: null };
  return seeTies(ties, { offset, page, linked: true }) ?? ties;
}

/** Returns the group with its rows on this page added: `seen` and `linked` grow in place. */
export function seeTies(
  ties: TieGroup | null,
  { offset, page, linked }: { offset: number; page: ListPage; linked: boolean },
): TieGroup | null {
  if (ties === null) return null;
  const places = placesOf(page, ties.activity);
  if (places === null) return ties;
  for (const row of places.rows) {
    ties.seen.add(keyOf(row));
    if (linked) ties.linked.add(keyOf(row));
  }
  const { from, above } = places;
  if (from === 0 && offset > 0) return ties;
  return { ...ties, start: { offset: offset + from, total: page.total, beside: above.map(keyOf) } };
}

interface Places {
  /** Rows that surely belong to the group: those of its activity, and unreadable ones between them. */
  rows: ListRow[];
  /** The unreadable rows right above and right below, which may belong to it. */
  above: ListRow[];
  below: ListRow[];
  /** The first of all these places on the page, and the first after them. */
  from: number;
  to: number;
}

/** Returns where the rows of this activity are on the page; null if there are none. */
function placesOf({ rows }: ListPage, activity: number | null): Places | null {
  const first = rows.findIndex((row) => row.activity === activity);
  if (first < 0) return null;
  const last = rows.findLastIndex((row) => row.activity === activity);
  const from = rows.slice(0, first).findLastIndex((row) => row.activity !== null) + 1;
  const next = rows.findIndex((row, i) => i > last && row.activity !== null);
  const to = next < 0 ? rows.length : next;
  return {
    rows: rows.slice(first, last + 1),
    above: rows.slice(from, first),
    below: rows.slice(last + 1, to),
    from,
    to,
  };
}

/**
 * Judges whether all of a group of ties was seen, once a page shows its end: the different rows seen are as
 * many as the places that the group fills, and the API's total has not changed.
 *
 * If the API keeps the order of ties, the links alone prove it, however the list moves: every page began at a
 * row up to which nothing was passed over. If the order changes from request to request, the count proves it,
 * as long as no row moves from the group, or from above it, to below it while the group is read. No answer of
 * the API shows such a move.
 */
export function judgeTies(
  ties: TieGroup,
  at: { offset: number; frontier: number; passes: number },
  page: ListPage,
): 'open' | 'proven' | 'again' | 'unproven' {
  if (ties.activity === null) return 'proven';
  const left = at.frontier < ties.activity || !page.hasMore;
  if (!left) return 'open';
  const { start } = ties;
  const places = placesOf(page, ties.activity);
  const end = at.offset + (places?.to ?? 0);
  // Unreadable rows beside the group were counted as its places, so they count as seen.
  const seen = new Set([...ties.seen, ...(start?.beside ?? []), ...(places?.below ?? []).map(keyOf)]);
  if (start !== null && start.total === page.total && seen.size >= end - start.offset) return 'proven';
  return at.passes < TIE_PASSES ? 'again' : 'unproven';
}

/** The place after the last row of a group that was counted, and the API's total at that time. */
export interface Counted {
  activity: number;
  end: number;
  total: number | null;
}

/** Returns where the group of this activity ends on a page read at `offset`; null if none of it is there. */
export function countedOn(page: ListPage, offset: number, activity: number | null): Counted | null {
  const places = placesOf(page, activity);
  if (places === null || activity === null) return null;
  return { activity, end: offset + places.to, total: page.total };
}

/**
 * Returns whether the counted group, on a page read at `offset`, ends where it did, apart from what the list
 * has grown by since then.
 */
export function endsAsCounted(counted: Counted, page: ListPage, offset: number): boolean {
  const now = countedOn(page, offset, counted.activity);
  return now !== null && now.end - (now.total ?? 0) === counted.end - (counted.total ?? 0);
}

/** Returns whether a page that linked has shown this very row of the group. */
export function isLinked(ties: TieGroup, row: ListRow): boolean {
  return row.activity === ties.activity && ties.linked.has(keyOf(row));
}

/** Returns what identifies a row: its id, or the whole row if it has none. */
export function keyOf(row: ListRow): string {
  return row.task?.id ?? row.rejected?.id ?? row.rejected?.payload ?? '';
}
