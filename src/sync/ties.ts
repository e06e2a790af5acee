import type { ListPage, ListRow } from '../ports.ts';

/** Rows of one activity that fill more than a page. */
export interface TieGroup {
  /** Null: rows whose activity could not be read. */
  activity: number | null;
  /** The different rows met so far, on all passes. */
  met: Set<string>;
  /** The place of its first row, and the API's total when that was read; null until it is known. */
  start: { offset: number; total: number | null } | null;
  passes: number;
}

/** Walks over one group of ties, to meet all of it, before it is left unproven. */
const TIE_PASSES = 10;

/** A group of ties whose first rows `page`, read at `offset`, shows. */
export function beginTies(offset: number, activity: number | null, page: ListPage): TieGroup {
  const first = page.rows.findIndex((row) => row.activity === activity);
  const met = new Set(page.rows.filter((row) => row.activity === activity).map(keyOf));
  return { activity, met, start: { offset: offset + first, total: page.total }, passes: 0 };
}

/** The group being walked, with the rows of it that this page shows: `met` grows in place. */
export function meetTies(ties: TieGroup | null, offset: number, page: ListPage): TieGroup | null {
  if (ties === null) return null;
  for (const row of page.rows) if (row.activity === ties.activity) ties.met.add(keyOf(row));
  const first = page.rows.findIndex((row) => row.activity === ties.activity);
  const showsStart = first > 0 || (first === 0 && offset === 0);
  return showsStart ? { ...ties, start: { offset: offset + first, total: page.total } } : ties;
}

/**
 * Whether all of a group of ties was met, once a page shows its end: as many different rows as places that it
 * fills, while the API's total stood still. Every page of it linked by a row already met, so no place was passed over.
 */
export function judgeTies(
  ties: TieGroup,
  at: { offset: number; frontier: number },
  page: ListPage,
): 'open' | 'proven' | 'again' | 'unproven' {
  if (ties.activity === null) return 'proven';
  const left = at.frontier < ties.activity || !page.hasMore;
  if (!left) return 'open';
  const end = at.offset + page.rows.findLastIndex((row) => row.activity === ties.activity) + 1;
  const { start } = ties;
  if (start !== null && start.total === page.total && ties.met.size >= end - start.offset) return 'proven';
  return ties.passes < TIE_PASSES ? 'again' : 'unproven';
}

/** Whether this very row of the group has been met before. */
export function isMember(ties: TieGroup, row: ListRow): boolean {
  return row.activity === ties.activity && ties.met.has(keyOf(row));
}

/** What tells two rows apart: the id, or the whole row where it has none. */
function keyOf(row: ListRow): string {
  return row.task?.id ?? row.rejected?.id ?? row.rejected?.payload ?? '';
}
