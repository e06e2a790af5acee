import type { ListPage } from '../ports.ts';
import { beginTies, isLinked, judgeTies, meetTies, type TieGroup } from './ties.ts';

/**
 * The walk: reads a list that moves, page after page downward, and says of every page what it proves.
 *
 * A page is a contiguous slice of the list as it stood at one moment. It *links* to what was read before if it
 * starts at the top of the list, or at a row strictly above the frontier: then no row can lie between. Rows
 * with the same activity may come in another order with every request, so a boundary inside such a group proves
 * nothing; that is why the next page starts at the last row strictly above the frontier.
 *
 * {@link step} decides and reads nothing; {@link walk} reads and decides nothing. Neither knows of storage.
 */
export interface Position {
  /** Where to read next, in rows from the top. */
  offset: number;
  /** Everything with activity above this (ms) has been passed; Infinity at the very beginning. */
  frontier: number;
}

export const TOP: Position = { offset: 0, frontier: Infinity };

/** A page, and where it was read: at the place asked for, or a little above it. */
export interface PlacedPage {
  offset: number;
  page: ListPage;
}

/** What one page brought. */
export interface Slice {
  page: ListPage;
  /** The interval of activity, above < a <= upTo, that this page newly proves to be read; -Infinity: to the end. */
  proven: { above: number; upTo: number } | null;
  /** The page did not link: rows above it had been pulled up, so the walk steps back to read again. */
  repaired: boolean;
  /** Why something stays unproven, for people; the walk goes on unless it has `ended`. */
  doubt: string | null;
  /** The list's end was met, or the walk gave up (then `doubt` says why). */
  ended: boolean;
  /** Where the walk stands after this page: enough to go on from here later. */
  next: Position;
}

export interface WalkState extends Position {
  /** Some page of this walk has linked: until then a failed link is seeking, not repair. */
  linked: boolean;
  /** The group of ties being walked because it does not fit into a page. */
  ties: TieGroup | null;
  /** Walks over the ties at the frontier so far, beyond the first: what bounds them. */
  passes: number;
  /** Rows of the last step back; 0 after a page that linked. */
  back: number;
  /** The deepest offset read: pages above it only go over old ground again. */
  deepest: number;
  /**
   * The lowest activity that a page has reached since the frontier last moved; Infinity: none has. Above the frontier, where
   * rows that the mirror does not count stand, or many came in at the top, to get deeper is progress, too.
   */
  reached: number;
  /** Pages that brought nothing new since the last that did: what bounds the loop. */
  idle: number;
}

/** Pages in a row without any progress, going over old ground not counted, after which a walk gives up. */
const PATIENCE = 32;
const TIES_IN_DOUBT =
  'a group of rows with the same lastActivityAt is larger than a page, and the list or its order changes while it is read';

export function beginWalk(position: Position): WalkState {
  return {
    ...position,
    linked: false,
    ties: null,
    passes: 0,
    back: 0,
    deepest: 0,
    reached: Infinity,
    idle: 0,
  };
}

/** Reads pages from `position` downward until the list ends, the walk gives up, or the consumer stops. */
export async function* walk(
  read: (offset: number) => Promise<PlacedPage>,
  position: Position,
): AsyncGenerator<Slice, void> {
  let state = beginWalk(position);
  for (;;) {
    const { offset, page } = await read(state.offset);
    const result = step({ ...state, offset }, page);
    yield result.slice;
    if (result.slice.ended) return;
    state = result.state;
  }
}

/** What `page`, read at the place where `state` stands, proves, and where to go from there. */
export function step(state: WalkState, page: ListPage): { slice: Slice; state: WalkState } {
  const flaw = flawOf(page, state);
  if (flaw !== null || !links(state, page)) return stepBack(state, page, flaw);

  const last = lastActivity(page) ?? Infinity;
  const frontier = Math.min(state.frontier, last);
  const isLower = frontier < state.frontier;
  const lowest = isLower ? Infinity : Math.min(state.reached, last);
  const reached = { ...state, linked: true, back: 0, frontier, reached: lowest };
  const known = state.ties?.linked.size ?? 0;
  const ties = meetTies(state.ties, { offset: state.offset, page, linked: true });
  const group = ties === null ? 'proven' : judgeTies(ties, reached, page);
  if (group === 'again' && ties !== null) return passAgain({ ...state, linked: true, ties }, page);

  const ended = !page.hasMore;
  const progress = ended || isLower || lowest < state.reached || (ties?.linked.size ?? 0) > known;
  const passes = isLower ? 0 : state.passes;
  const next = count({ ...reached, passes, ...advance(reached, ties, page) }, state.offset, progress);
  if (next.idle > PATIENCE) return giveUp(next, page, 'the same rows come again and again');
  const slice: Slice = {
    page,
    proven: interval(
      ended ? -Infinity : next.frontier,
      group === 'unproven' ? state.frontier - 1 : state.frontier,
    ),
    repaired: false,
    doubt: group === 'unproven' ? TIES_IN_DOUBT : null,
    ended,
    next: { offset: next.offset, frontier: ended ? -Infinity : next.frontier },
  };
  return { slice, state: next };
}

function links(state: WalkState, page: ListPage): boolean {
  if (state.offset === 0) return true;
  const [first] = page.rows;
  if (first === undefined) return false;
  const activity = page.rows.find((row) => row.activity !== null)?.activity ?? null;
  if (activity !== null && activity > state.frontier) return true;
  return state.ties !== null && isLinked(state.ties, first);
}

/** What makes a page useless for any proof; null where nothing does. */
function flawOf(page: ListPage, state: WalkState): string | null {
  if (page.rows.length === 0 && page.hasMore) {
    return `the API returns no rows at offset ${state.offset} but says that there are more`;
  }
  let above = Infinity;
  for (const { activity } of page.rows) {
    if (activity === null) continue;
    if (activity > above) return `the API's list is not sorted by lastActivityAt near offset ${state.offset}`;
    above = activity;
  }
  return null;
}

function stepBack(state: WalkState, page: ListPage, flaw: string | null): { slice: Slice; state: WalkState } {
  const back = state.back === 0 ? 1 : state.back * 2;
  const offset = Math.max(0, state.offset - back);
  const known = state.ties?.met.size ?? 0;
  const ties =
    flaw === null ? meetTies(state.ties, { offset: state.offset, page, linked: false }) : state.ties;
  const progress = (ties?.met.size ?? 0) > known;
  const next = count({ ...state, offset, back, ties }, Infinity, progress);
  if (next.idle > PATIENCE) return giveUp(next, page, flaw ?? 'it moves faster than it can be read');
  return { state: next, slice: { ...nothingProven(next, page), repaired: state.linked } };
}

/** Another pass over a group of ties of which rows are still missing; begins a little further up each time. */
function passAgain(
  state: WalkState & { ties: TieGroup },
  page: ListPage,
): { slice: Slice; state: WalkState } {
  const passes = state.passes + 1;
  const top = state.ties.start?.offset ?? state.offset;
  const next = {
    ...state,
    offset: Math.max(0, top - passes),
    ties: { ...state.ties, start: null },
    passes,
    back: 0,
    deepest: Math.max(state.deepest, state.offset),
  };
  return { state: next, slice: { ...nothingProven(next, page), repaired: true } };
}

function giveUp(state: WalkState, page: ListPage, reason: string): { slice: Slice; state: WalkState } {
  const doubt = `gave up on the list after ${state.idle} requests without progress: ${reason}`;
  return { state, slice: { ...nothingProven(state, page), doubt, ended: true } };
}

function nothingProven(state: WalkState, page: ListPage): Slice {
  const next = { offset: state.offset, frontier: state.frontier };
  return { page, proven: null, repaired: false, doubt: null, ended: false, next };
}

/** Where to read after a page that linked. */
function advance(
  state: WalkState,
  ties: TieGroup | null,
  page: ListPage,
): Pick<WalkState, 'offset' | 'ties'> {
  const { rows } = page;
  const last = lastActivity(page);
  // A page cannot link by a row whose activity cannot be read, so it had better not begin there.
  const readable = rows.findLastIndex((row) => row.activity !== null);
  const lastRow = state.offset + (readable > 0 ? readable : Math.max(1, rows.length - 1));
  // Still above the frontier after a step back: nothing to prove yet, so go on with the last row.
  if (last !== null && last > state.frontier) return { offset: lastRow, ties };
  const anchor = rows.findLastIndex((row) => row.activity !== null && row.activity > state.frontier);
  const kept = ties?.activity === last ? ties : null;
  if (anchor > 0) return { offset: state.offset + anchor, ties: kept };
  return { offset: lastRow, ties: kept ?? beginTies(state.offset, last, page) };
}

/** Counts a page read at `offset` as idle where it neither made progress nor went over old ground again. */
function count(state: WalkState, offset: number, progress: boolean): WalkState {
  const idle = progress ? 0 : state.idle + (offset >= state.deepest ? 1 : 0);
  const deepest = Number.isFinite(offset) ? Math.max(state.deepest, offset) : state.deepest;
  return { ...state, idle, deepest };
}

function lastActivity(page: ListPage): number | null {
  return page.rows.findLast((row) => row.activity !== null)?.activity ?? null;
}

function interval(above: number, upTo: number): Slice['proven'] {
  return above < upTo ? { above, upTo } : null;
}
