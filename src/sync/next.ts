import type { ListPage } from '../source/source.ts';
import { lastActivity } from './links.ts';
import type { Position, Slice } from './reading.ts';
import { beginTies, type Counted, seeTies, type TieGroup } from './ties.ts';

/** Where a walk goes after each page: on, back, over the same rows again, or nowhere any more. */
export interface WalkState extends Position {
  /** See {@link Wanted}. */
  isRow: boolean;
  anchor: number | null;
  /** The keys of the rows of the last page that linked, and the activity of the last one of them above the frontier. */
  shown: ReadonlySet<string>;
  above: number | null;
  /** Some page of this walk has linked: until then a failed link is seeking, not repair. */
  linked: boolean;
  /** The place before could not be read: the next page has nothing to link to, and begins a stretch of its own. */
  broken: boolean;
  /** The page at this place was not in order, and is read once more. */
  isReread: boolean;
  /** The frontier at which the API said that the list ends, though something speaks against it; null: it did not. */
  saidEnd: number | null;
  /** The group of ties being walked because it does not fit into a page. */
  ties: TieGroup | null;
  /** The last such group that the walk has left and proven; null: none yet. */
  counted: Counted | null;
  /** Walks over the ties at the frontier so far, beyond the first: what bounds them. */
  passes: number;
  /** Rows of the last step back; 0 after a page that linked. */
  back: number;
  /** Rows of the longest page so far. */
  longest: number;
  /** The offset of the page before, and the deepest one: pages above that only go over old ground again. */
  previous: number;
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
export const PATIENCE = 32;
/** The first step back is this share of a page: a row less may cost a request more. */
const STEP_SHARE = 1 / 8;

export function beginWalk(position: Position): WalkState {
  return {
    ...position,
    isRow: false,
    anchor: null,
    shown: new Set(),
    above: null,
    linked: false,
    broken: false,
    isReread: false,
    saidEnd: null,
    ties: null,
    counted: null,
    passes: 0,
    back: 0,
    longest: 0,
    previous: -1,
    deepest: 0,
    reached: Infinity,
    idle: 0,
  };
}

/** What one request brought, and how the walk stands then. */
export interface Step {
  slice: Slice;
  state: WalkState;
}

/** The page at this place is asked for once more: an answer that is not in order may be a passing one. */
export function readAgain(state: WalkState, page: ListPage, reason: string): Step {
  const next = count({ ...state, isReread: true, isRow: false }, Infinity, false);
  if (next.idle > PATIENCE) return giveUp(next, page, reason);
  return { state: next, slice: { ...nothingProven(next, page), repaired: state.linked } };
}

export function stepBack(state: WalkState, page: ListPage, flaw: string | null): Step {
  const back = state.back === 0 ? firstStep(state, page) : state.back * 2;
  const offset = Math.max(0, state.offset - back);
  const known = state.ties?.seen.size ?? 0;
  const ties =
    flaw === null ? seeTies(state.ties, { offset: state.offset, page, linked: false }) : state.ties;
  const progress = (ties?.seen.size ?? 0) > known;
  const next = count(
    { ...state, offset, isRow: state.linked && ties === null, back, ties },
    Infinity,
    progress,
  );
  if (next.idle > PATIENCE) return giveUp(next, page, flaw ?? 'it moves faster than it can be read');
  return { state: next, slice: { ...nothingProven(next, page), repaired: state.linked } };
}

/** Within a group of ties a step further would only bring rows of it that are known. */
function firstStep({ ties, longest }: WalkState, { rows }: ListPage): number {
  return ties === null ? Math.max(1, Math.floor(Math.max(longest, rows.length) * STEP_SHARE)) : 1;
}

/** Another pass over a group of ties of which rows are still missing; begins a little further up each time. */
export function passAgain(state: WalkState & { ties: TieGroup }, page: ListPage): Step {
  const passes = state.passes + 1;
  const top = state.ties.start?.offset ?? state.offset;
  const next = {
    ...state,
    // Two rows above the group at least, since one alone would not show that the page joins it.
    offset: Math.max(0, top - passes - 1),
    isRow: false,
    anchor: null,
    ties: { ...state.ties, start: null },
    passes,
    back: 0,
    previous: -1,
    deepest: Math.max(state.deepest, state.offset),
  };
  return { state: next, slice: { ...nothingProven(next, page), repaired: true } };
}

export function giveUp(state: WalkState, page: ListPage | null, reason: string): Step {
  const doubt = `gave up on the list after ${state.idle} requests without progress: ${reason}`;
  return { state, slice: { ...nothingProven(state, page), doubt, ended: true } };
}

export function nothingProven({ offset, frontier, proven }: WalkState, page: ListPage | null): Slice {
  return {
    page,
    proven: null,
    repaired: false,
    doubt: null,
    fault: null,
    ended: false,
    next: { offset, frontier, proven },
  };
}

/** Where to read after a page that linked. */
export function advance(
  state: WalkState,
  ties: TieGroup | null,
  page: ListPage,
): Pick<WalkState, 'offset' | 'isRow' | 'anchor' | 'ties'> {
  const { rows } = page;
  const last = lastActivity(page);
  // A page cannot link by a row whose activity cannot be read, so it had better not begin there.
  const readable = rows.findLastIndex((row) => row.activity !== null);
  const after = readable > 0 ? readable : Math.max(page.hasMore ? 1 : 0, rows.length - 1);
  const lastRow = state.offset + after;
  // Still above the frontier after a step back: nothing to prove yet, so go on with the last row.
  if (last !== null && last > state.frontier)
    return { offset: lastRow, isRow: ties === null, anchor: null, ties };
  const above = rows.findLastIndex((row) => row.activity !== null && row.activity > state.frontier);
  const anchor = state.offset + above;
  const kept = ties?.activity === last ? ties : null;
  if (above > 0) return { offset: anchor, isRow: true, anchor, ties: kept };
  return { offset: lastRow, isRow: false, anchor: null, ties: kept ?? beginTies(state.offset, last, page) };
}

/** Counts a page read at `offset` as idle where it neither made progress nor goes down over old ground again. */
export function count(state: WalkState, offset: number, progress: boolean): WalkState {
  const goesDown = offset > state.previous && offset < state.deepest;
  const idle = progress ? 0 : state.idle + (goesDown ? 0 : 1);
  if (!Number.isFinite(offset)) return { ...state, idle };
  return { ...state, idle, previous: offset, deepest: Math.max(state.deepest, offset) };
}
