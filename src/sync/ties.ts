import type { ListPage, ListRow } from '../source/source.ts';

/** Rows of one activity that fill more than a page, with those between them whose own activity cannot be read. */
export interface TieGroup {
  /** Null: rows whose activity could not be read. */
  activity: number | null;
  /** The different rows seen so far, on all passes: what is counted. */
  seen: Set<string>;
  /** Those of them that a page showed which linked: nothing above them was passed over, so a page may begin there. */
  linked: Set<string>;
  /**
   * The place of its first row, the API's total when that was read, and the rows without a readable activity that were
   * counted in there; null until it is known.
   */
  start: { offset: number; total: number | null; beside: readonly string[] } | null;
}

/** Walks over one group of ties, to meet all of it, before it is left unproven. */
const TIE_PASSES = 10;

/** A group of ties whose first rows `page`, read at `offset`, shows. */
export function beginTies(offset: number, activity: number | null, page: ListPage): TieGroup {
  const ties: TieGroup = { activity, seen: new Set(), linked: new Set(), start: null };
  return seeTies(ties, { offset, page, linked: true }) ?? ties;
}

/** The group being walked, with the rows of it that this page shows: `seen` and `linked` grow in place. */
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
  /** The rows of the group for sure: those of its activity, and those between them whose activity cannot be read. */
  rows: ListRow[];
  /** The unreadable ones right above and right below them, which may be of it. */
  above: ListRow[];
  below: ListRow[];
  /** The first of all these places on the page, and the first after them. */
  from: number;
  to: number;
}

/** Where on the page the rows of this activity stand; null where there are none. */
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
 * Whether all of a group of ties was seen, once a page shows its end: as many different rows as places that it
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
  const { start } = ties;
  const places = placesOf(page, ties.activity);
  const end = at.offset + (places?.to ?? 0);
  // Unreadable rows beside the group were counted as places of it, so they counts as seen.
  const seen = new Set([...ties.seen, ...(start?.beside ?? []), ...(places?.below ?? []).map(keyOf)]);
  if (start !== null && start.total === page.total && seen.size >= end - start.offset) return 'proven';
  return at.passes < TIE_PASSES ? 'again' : 'unproven';
}

/** The place after the last row of a group that was counted, and the API's total then. */
export interface Counted {
  activity: number;
  end: number;
  total: number | null;
}

/** Where the group of this activity ends on a page read at `offset`; null where the page has none of it. */
export function countedOn(page: ListPage, offset: number, activity: number | null): Counted | null {
  const places = placesOf(page, activity);
  if (places === null || activity === null) return null;
  return { activity, end: offset + places.to, total: page.total };
}

/** Whether a page read at `offset` shows the counted group end where it did, but for what the list has grown by since then. */
export function endsAsCounted(counted: Counted, page: ListPage, offset: number): boolean {
  const now = countedOn(page, offset, counted.activity);
  return now !== null && now.end - (now.total ?? 0) === counted.end - (counted.total ?? 0);
}

/** Whether this very row of the group was shown by a page that linked. */
export function isLinked(ties: TieGroup, row: ListRow): boolean {
  return row.activity === ties.activity && ties.linked.has(keyOf(row));
}

/** What tells two rows apart: the id, or the whole row where it has none. */
export function keyOf(row: ListRow): string {
  return row.task?.id ?? row.rejected?.id ?? row.rejected?.payload ?? '';
}
