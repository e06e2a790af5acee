import { isMissing, type Ledger } from '../../src/model/ledger.ts';

/** A stretch of activity, above < a <= upTo, in ms; infinite where it is open. */
export interface Interval {
  above: number;
  upTo: number;
}

/** What a run is known to have read: whatever stood in this stretch from `from` on must be mirrored. */
export interface Stretch extends Interval {
  /** The moment of the run's first answer. */
  from: number;
  /** The moment of the oldest list that an answer showed: earlier where a replica lagged behind. */
  shownFrom: number;
  /** The newest activity (ms) of a list that was shown late: what came at or below it later, no answer told of. */
  shownTop: number;
  /** Whether rows of this activity could not be proven by any answer of the API (see TornTies). */
  mayBeTorn(activity: number): boolean;
}

/** Whether the ledger says that everything of this activity is mirrored. */
export function claimsAll(ledger: Ledger, activity: number): boolean {
  return ledger.watermark !== null && activity <= ledger.watermark && !isMissing(ledger, activity);
}

/** What `after` claims and `before` did not. */
export function newlyClaimed(before: Ledger, after: Ledger): Interval[] {
  const edges = [before, after].flatMap(({ watermark, gaps }) => [
    watermark ?? -Infinity,
    ...gaps.flatMap(({ lower, upper }) => [lower ?? -Infinity, upper]),
  ]);
  const sorted = [...new Set([-Infinity, ...edges])].toSorted((a, b) => a - b);
  return sorted.flatMap((above, i) => {
    const upTo = sorted[i + 1];
    // Between two edges every activity has the same fate: that of the upper edge, which belongs to it.
    const isNew = upTo !== undefined && claimsAll(after, upTo) && !claimsAll(before, upTo);
    return isNew ? [{ above, upTo }] : [];
  });
}

/** The run that read this activity last; undefined where none did. */
export function lastOver(stretches: readonly Stretch[], activity: number): Stretch | undefined {
  return stretches.findLast(({ above, upTo }) => activity > above && activity <= upTo);
}
