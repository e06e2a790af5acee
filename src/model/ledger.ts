/**
 * The coverage ledger: what the mirror is known to hold, as pure functions over intervals of activity.
 *
 * Times are ms since the epoch. Everything at or below the watermark is mirrored, except what lies in a gap.
 */
export interface Ledger {
  /** Null until the first run has read its first page. */
  watermark: number | null;
  /** Disjoint, newest first. */
  gaps: Gap[];
}

/** An interval lower < activity <= upper in which rows may be missing; lower null: to the end of the list. */
export interface Gap {
  lower: number | null;
  upper: number;
}

export const EMPTY_LEDGER: Ledger = { watermark: null, gaps: [] };

const floorOf = (gap: Gap): number => gap.lower ?? -Infinity;
const gapFrom = (floor: number, upper: number): Gap => ({ lower: floor === -Infinity ? null : floor, upper });

/**
 * Opens the gap of a run that begins: from the head down to the old watermark less the overlap (to the end of
 * the list on the first run). Moves the watermark up to the head. A gap's lower edge is outside it, so it is
 * set one ms deeper: rows at the very edge of the overlap are read again.
 */
export function openGap(ledger: Ledger, head: number, overlapMs: number): Ledger {
  const floor = ledger.watermark === null ? -Infinity : ledger.watermark - overlapMs - 1;
  const watermark = Math.max(head, ledger.watermark ?? head);
  if (head <= floor) return { watermark, gaps: ledger.gaps };
  return { watermark, gaps: union([...ledger.gaps, gapFrom(floor, head)]) };
}

/**
 * Removes the proven interval above < activity <= upTo from all gaps; `above` -Infinity: the list's end was
 * seen.
 */
export function cover(ledger: Ledger, proven: { above: number; upTo: number }): Ledger {
  const gaps = ledger.gaps.flatMap((gap) => {
    const floor = floorOf(gap);
    if (gap.upper <= proven.above || floor >= proven.upTo) return [gap];
    const rest: Gap[] = [];
    if (gap.upper > proven.upTo) rest.push(gapFrom(proven.upTo, gap.upper));
    if (floor < proven.above) rest.push(gapFrom(floor, proven.above));
    return rest;
  });
  return { watermark: ledger.watermark, gaps };
}

/** Returns the newest gap that begins at or below `activity`, where a walk at that place has to go next. */
export function nextGap(ledger: Ledger, activity: number): Gap | undefined {
  return ledger.gaps.find((gap) => gap.upper <= activity);
}

/** Returns whether a walk has reached the end of the list: the first backfill is done. */
export function reachesEnd({ watermark, gaps }: Ledger): boolean {
  return watermark !== null && !gaps.some(({ lower }) => lower === null);
}

/** Returns the activity at or below which everything is mirrored; null if nothing can be promised yet. */
export function completeThrough(ledger: Ledger): number | null {
  const deepest = ledger.gaps.at(-1);
  return deepest === undefined ? ledger.watermark : deepest.lower;
}

/** Returns whether a row of this activity may be missing: it lies in a gap. */
export function isMissing({ gaps }: Ledger, activity: number): boolean {
  return gaps.some((gap) => activity > floorOf(gap) && activity <= gap.upper);
}

/** Returns what makes a ledger impossible, for people; nothing if it is sound. */
export function ledgerProblems({ watermark, gaps }: Ledger): string[] {
  const problems: string[] = [];
  for (const [i, gap] of gaps.entries()) {
    if (gap.upper <= floorOf(gap)) problems.push('the ledger holds an empty gap');
    if (watermark === null || gap.upper > watermark) problems.push('a gap reaches above the watermark');
    const below = gaps[i + 1];
    if (below !== undefined && below.upper > floorOf(gap)) problems.push('gaps of the ledger overlap');
  }
  return problems;
}

function union(gaps: readonly Gap[]): Gap[] {
  const merged: Gap[] = [];
  for (const gap of gaps.toSorted((a, b) => b.upper - a.upper)) {
    const above = merged.at(-1);
    if (above !== undefined && gap.upper >= floorOf(above)) {
      above.lower = floorOf(gap) < floorOf(above) ? gap.lower : above.lower;
    } else {
      merged.push({ ...gap });
    }
  }
  return merged;
}
