import type { ListPage } from '../source/source.ts';
import { lastActivity } from './links.ts';
import type { Position, Slice } from './reading.ts';
import { beginTies, type Counted, seeTies, type TieGroup } from './ties.ts';

/**
 * The state of a walk. It decides where the walk goes next: on, back, over the same rows again, or nowhere.
 */
export interface WalkState extends Position {
  /** See {@link Wanted}. */
  isRow: boolean;
  anchor: number | null;
  /**
   * The keys of the rows of the last page that linked, and the activity of its last one above the frontier.
   */
  shown: ReadonlySet<string>;
  above: number | null;
  /** Whether some page of this walk has linked: until then a failed link is seeking, not repair. */
  linked: boolean;
  /** The place before could not be read: the next page has nothing to link to, and begins a new stretch. */
  broken: boolean;
  /** The page at this place was out of order, and is read once more. */
  isReread: boolean;
  /** The frontier at which the API reported the end although something contradicts it; null if it did not. */
  saidEnd: number | null;
  /** The group of ties being walked because it does not fit into a page. */
  ties: TieGroup | null;
  /** The last such group that the walk has left and proven; null if none yet. */
  counted: Counted | null;
  /** Repeated walks over the ties at the frontier so far; they are bounded. */
  passes: number;
  /** Rows of the last step back; 0 after a page that linked. */
  back: number;
  /** Rows of the longest page so far. */
  longest: number;
  /** The offset of the page before, and the deepest one: pages above that only cover old ground again. */
  previous: number;
  deepest: number;
  /**
   * The lowest activity that a page has reached since `proven` last moved; Infinity if none has. A page that
   * gets deeper is progress even above the frontier: rows that the mirror does not count may be there, or
   * many may have come in at the top.
   */
  reached: number;
  /** Pages since the last progress; this bounds the loop. */
  idle: number;
}

/** A walk gives up after more pages than this without progress; pages down over old ground do not count. */
export const PATIENCE = 32;
/** The first step back, as a share of a page: a step one row too short may cost another request. */
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

/** The outcome of one request, and the state of the walk after it. */
export interface Step {
  slice: Slice;
  state: WalkState;
}

/** Asks for the page at this place once more: the wrong order may be temporary. */
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
  if (next.idle > PATIENCE) return giveUp(next, page, flaw ?? 'the list moves faster than it can be read');
  return { state: next, slice: { ...nothingProven(next, page), repaired: state.linked } };
}

/** Returns the first step back in rows: within a group of ties, more than 1 would only bring known rows. */
function firstStep({ ties, longest }: WalkState, { rows }: ListPage): number {
  return ties === null ? Math.max(1, Math.floor(Math.max(longest, rows.length) * STEP_SHARE)) : 1;
}

/** Begins another pass over a group of ties that still lacks rows, a little further up each time. */
export function passAgain(state: WalkState & { ties: TieGroup }, page: ListPage): Step {
  const passes = state.passes + 1;
  const top = state.ties.start?.offset ?? state.offset;
  const next = {
    ...state,
    // At least two rows above the group, since one alone would not show that the page joins it.
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

/** Returns where to read after a page that linked. */
export function advance(
  state: WalkState,
  ties: TieGroup | null,
  page: ListPage,
): Pick<WalkState, 'offset' | 'isRow' | 'anchor' | 'ties'> {
  const { rows } = page;
  const last = lastActivity(page);
  // A page cannot link by a row whose activity cannot be read, so it should not begin there.
  const readable = rows.findLastIndex((row) => row.activity !== null);
  const after = readable > 0 ? readable : Math.max(page.hasMore ? 1 : 0, rows.length - 1);
  const lastRow = state.offset + after;
  // Still above the frontier after a step back: there is nothing to prove yet, so go on with the last row.
  if (last !== null && last > state.frontier)
    return { offset: lastRow, isRow: ties === null, anchor: null, ties };
  const above = rows.findLastIndex((row) => row.activity !== null && row.activity > state.frontier);
  const anchor = state.offset + above;
  const kept = ties?.activity === last ? ties : null;
  if (above > 0) return { offset: anchor, isRow: true, anchor, ties: kept };
  return { offset: lastRow, isRow: false, anchor: null, ties: kept ?? beginTies(state.offset, last, page) };
}

/** Counts a page read at `offset` as idle if it neither makes progress nor goes down over old ground. */
export function count(state: WalkState, offset: number, progress: boolean): WalkState {
  const goesDown = offset > state.previous && offset < state.deepest;
  const idle = progress ? 0 : state.idle + (goesDown ? 0 : 1);
  if (!Number.isFinite(offset)) return { ...state, idle };
  return { ...state, idle, previous: offset, deepest: Math.max(state.deepest, offset) };
}
