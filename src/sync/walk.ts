import type { ListPage } from '../source/source.ts';
import { confirmsEnd, firstActivity, type Fit, inPlace, lastActivity, links } from './links.ts';
import {
  advance,
  beginWalk,
  count,
  giveUp,
  nothingProven,
  passAgain,
  PATIENCE,
  readAgain,
  type Step,
  stepBack,
  type WalkState,
} from './next.ts';
import {
  type Hole,
  OVERLAP_ROWS,
  type PlacedPage,
  type Position,
  type ReadNext,
  type Slice,
} from './reading.ts';
import { countedOn, judgeTies, keyOf, seeTies } from './ties.ts';

const TIES_IN_DOUBT =
  'a group of rows with the same lastActivityAt is larger than a page, and the list or its order changes while it is read';
const OLDER_LIST =
  'the API shows an older list than before: its first row is below rows that it has just shown';

/**
 * Reads a list that moves, page after page downward, and reports what each page proves. Starts at `position`
 * and stops when the list ends, the walk gives up, or the consumer stops.
 *
 * A page is a contiguous slice of the list as it was at one moment. It *links* to what was read before if it
 * begins above the frontier (links.ts): then no row can lie between. Rows with the same activity may come in
 * a different order with every request, so a boundary inside such a group proves nothing. That is why the
 * next page starts at the last row strictly above the frontier.
 *
 * {@link step} decides and reads nothing; {@link walk} reads and decides nothing. Neither knows about
 * storage.
 */
export async function* walk(read: ReadNext, position: Position): AsyncGenerator<Slice, void> {
  let state = beginWalk(position);
  for (;;) {
    const { offset, isRow, anchor } = state;
    const at = state;
    const placed = await read({ offset, isRow, anchor, fit: (page) => fitOf(at, page) });
    const result =
      'page' in placed
        ? step({ ...state, offset: placed.offset }, placed.page, placed.asked)
        : pass(state, placed);
    yield result.slice;
    if (result.slice.ended) return;
    state = result.state;
  }
}

/** Judges `page`, read at the place of `state`: what it proves, where to go next. `asked`: rows asked for. */
export function step(state: WalkState, given: ListPage, asked = Infinity): Step {
  const page = inPlace(given);
  const isOrdered = page === given;
  const unsorted = `the API's list is not sorted by lastActivityAt near offset ${state.offset}`;
  if (page.rows.length === 0 && page.hasMore) {
    return stepBack(
      state,
      given,
      `the API returns no rows at offset ${state.offset} but says that there are more`,
    );
  }
  const isOlder = showsOlderList(state, page);
  // An empty list shows no activity at which a new stretch could begin.
  if (isOlder && page.rows.length === 0)
    return { state, slice: { ...nothingProven(state, given), doubt: OLDER_LIST, ended: true } };
  // Any ties were judged when the API reported the end.
  if (confirmsEnd(state, page))
    return goOn({ ...state, ties: null }, { page, given, asked, doubt: null, isOrdered });
  const isLinked = links(state, page);
  if (!isOlder && !state.broken && !isLinked) return stepBack(state, given, isOrdered ? null : unsorted);
  if (!isOrdered && !state.isReread) return readAgain(state, given, unsorted);
  const begun = isOlder || !isLinked ? beginStretch(state, page) : { ...state, broken: false };
  const doubt = isOlder ? OLDER_LIST : isOrdered ? null : unsorted;
  return goOn(begun, { page, given, asked, doubt, isOrdered });
}

/** Goes on below a place that the API cannot serve. Nothing is proven there. */
export function pass(state: WalkState, { offset, rows, reason }: Hole): Step {
  const ended = rows === Infinity;
  const to = {
    ...state,
    offset: ended ? offset : offset + rows,
    isRow: false,
    anchor: null,
    ties: null,
    back: 0,
  };
  const next = count({ ...to, broken: true }, offset, offset > state.deepest);
  if (next.idle > PATIENCE) return giveUp(next, null, reason);
  const last = ended ? 'its end' : `offset ${offset + rows - 1}`;
  const doubt = `the API cannot serve the list from offset ${offset} to ${last}: ${reason}`;
  return { state: next, slice: { ...nothingProven(next, null), doubt, ended } };
}

/** Judges how a page, read at some place, fits the walk at `state`. */
function fitOf(state: WalkState, { offset, page: given }: PlacedPage): Fit {
  const page = inPlace(given);
  const above = page.rows.findIndex(({ activity }) => activity !== null && activity <= state.frontier);
  const last = lastActivity(page);
  if (page !== given || last === null) return { kind: 'useless', above };
  if (state.broken && offset === state.offset) return { kind: 'links', above };
  // Within a group of ties only the place shows whether a page goes on or returns to rows already counted.
  const isAhead = state.ties !== null && offset > state.offset;
  if (isAhead || !links({ ...state, offset }, page)) return { kind: 'below', above };
  const end = offset + page.rows.length;
  const isDeeper =
    !page.hasMore ||
    last < state.frontier ||
    isRefuted(state, last) ||
    (state.ties !== null && end > state.offset + 1);
  return { kind: isDeeper ? 'links' : 'useless', above };
}

/**
 * Returns whether the API shows an older list than before: at offset 0, the first row is at or below the
 * frontier, so rows that were read above it are missing.
 */
function showsOlderList({ offset, frontier, linked, broken, ties }: WalkState, page: ListPage): boolean {
  if (offset > 0 || frontier === Infinity || broken) return false;
  const first = firstActivity(page);
  if (first === null) return page.rows.length === 0 && linked;
  // A list may begin with the very group of ties that is being read.
  return first < frontier || (first === frontier && ties === null);
}

/**
 * Begins a new stretch at this page. Rows between the frontier and the page stay unproven, and so do rows
 * with the same activity as its first row.
 */
function beginStretch(state: WalkState, page: ListPage): WalkState {
  const first = firstActivity(page) ?? state.frontier;
  const [frontier, proven] = [Math.min(state.frontier, first - 1), Math.min(state.proven, first - 1)];
  return { ...state, frontier, proven, broken: false, ties: null };
}

/**
 * Returns whether a page refutes the frontier: it ends between what is proven and the frontier. The row at
 * the frontier was listed too high, and is passed over.
 */
function isRefuted({ ties, frontier, proven }: WalkState, last: number): boolean {
  return ties === null && last > frontier && last < proven;
}

/** Returns the last activity but one among the rows that have one; Infinity if there is none. */
function lastButOne({ rows }: ListPage): number {
  return rows.flatMap(({ activity }) => activity ?? []).at(-2) ?? Infinity;
}

interface Linked {
  /** The page as it was given; `page` hides the activity of rows that are out of order. */
  given: ListPage;
  page: ListPage;
  isOrdered: boolean;
  asked: number;
  doubt: string | null;
}

/** Applies a page that can be taken as the next one: what it proves, and where the walk goes from there. */
function goOn(state: WalkState, { page, given, isOrdered, asked, doubt }: Linked): Step {
  const last = lastActivity(page) ?? Infinity;
  const isWrong = !isOrdered || isRefuted(state, last);
  const frontier = isWrong ? last : Math.min(state.frontier, last);
  const isAbove = last > state.frontier && !isWrong;
  const proven = isAbove ? state.proven : Math.min(state.proven, lastButOne(page));
  // `proven` never rises, unlike the frontier, so this bounds the walk.
  const isLower = proven < state.proven;
  const lowest = isLower ? Infinity : Math.min(state.reached, last);
  const shown = new Set(page.rows.map(keyOf));
  const above =
    page.rows.findLast(({ activity }) => activity !== null && activity > frontier)?.activity ?? null;
  const reached = {
    ...state,
    shown,
    above,
    linked: true,
    isReread: false,
    back: 0,
    frontier,
    reached: lowest,
  };
  const known = state.ties?.linked.size ?? 0;
  const ties = seeTies(state.ties, { offset: state.offset, page, linked: true });
  const hasGrown = isLower || (ties?.linked.size ?? 0) > known;

  const isEnd = endOf(state, page, { asked, hasGrown });
  const group = ties === null ? 'proven' : judgeTies(ties, reached, page);
  if (group === 'again' && ties !== null) return passAgain({ ...state, linked: true, ties }, given);

  // A group that stays unproven is left behind: no later page may prove it in passing.
  const below = group === 'unproven' ? Math.min(proven, (ties?.activity ?? Infinity) - 1) : proven;
  const ended = isEnd === 'end';
  const progress = ended || hasGrown || lowest < state.reached;
  const next = count(
    {
      ...reached,
      proven: below,
      passes: isLower ? 0 : state.passes,
      longest: Math.max(state.longest, page.rows.length),
      counted:
        ties !== null && group === 'proven' ? countedOn(page, state.offset, ties.activity) : state.counted,
      saidEnd: isEnd === 'doubtful' ? frontier : null,
      ...advance(reached, ties, page),
    },
    state.offset,
    progress,
  );
  if (next.idle > PATIENCE) return giveUp(next, given, doubt ?? 'the same rows come repeatedly');
  const upTo = group === 'unproven' ? Math.min(state.proven, state.frontier - 1) : state.proven;
  const to = ended ? -Infinity : below;
  const slice: Slice = {
    page: given,
    proven: isOrdered ? interval(to, upTo) : null,
    repaired: false,
    doubt: doubt ?? (group === 'unproven' ? TIES_IN_DOUBT : null),
    fault:
      state.saidEnd !== null && hasGrown
        ? `the API said that the list ends near offset ${state.offset}, but there are rows below`
        : null,
    ended,
    next: { offset: next.offset, frontier: ended ? -Infinity : frontier, proven: to },
  };
  return { slice, state: next };
}

/**
 * Returns whether the list ends with this page. The end is doubtful if the API reports it although its own
 * total counts rows below, or although the page is full (a server that clamps the limit may calculate with
 * the one that was asked for). It stays doubtful until one more page has brought nothing.
 */
function endOf(
  state: WalkState,
  page: ListPage,
  { asked, hasGrown }: { asked: number; hasGrown: boolean },
): 'open' | 'end' | 'doubtful' {
  if (page.hasMore) return 'open';
  const { total, rows } = page;
  // The first page is the longest so far, so nothing shows whether it is a short one.
  const isFull = rows.length >= Math.min(asked, state.longest || rows.length);
  // A full page that brings nothing lower may simply not reach below the frontier.
  if (state.saidEnd !== null && !hasGrown) return isFull && rows.length > OVERLAP_ROWS ? 'doubtful' : 'end';
  const end = state.offset + rows.length;
  const isShort = total === null || total < end ? isFull : total > end;
  return isShort && rows.length > 0 ? 'doubtful' : 'end';
}

function interval(above: number, upTo: number): Slice['proven'] {
  return above < upTo ? { above, upTo } : null;
}
