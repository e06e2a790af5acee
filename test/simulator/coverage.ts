import { isMissing, type Ledger } from '../../src/model/ledger.ts';

/** A stretch of activity, above < a <= upTo, in ms; infinite if it is open. */
export interface Interval {
  above: number;
  upTo: number;
}

/** A stretch that a run has surely read: whatever was in it from `from` on must be mirrored. */
export interface Stretch extends Interval {
  /** The moment of the run's first answer. */
  from: number;
  /** The moment of the oldest list that an answer showed; earlier if a replica lagged behind. */
  shownFrom: number;
  /** The newest activity (ms) of a list shown late: no answer showed what came at or below it later. */
  shownTop: number;
  /** Returns whether no answer of the API could prove rows of this activity (see 'torn ties' in Excuse). */
  mayBeTorn(activity: number): boolean;
}

/** Returns whether the ledger says that everything of this activity is mirrored. */
export function claimsAll(ledger: Ledger, activity: number): boolean {
  return ledger.watermark !== null && activity <= ledger.watermark && !isMissing(ledger, activity);
}

/** Returns what `after` claims and `before` did not. */
export function newlyClaimed(before: Ledger, after: Ledger): Interval[] {
  const edges = [before, after].flatMap(({ watermark, gaps }) => [
    watermark ?? -Infinity,
    ...gaps.flatMap(({ lower, upper }) => [lower ?? -Infinity, upper]),
  ]);
  const sorted = [...new Set([-Infinity, ...edges])].toSorted((a, b) => a - b);
  return sorted.flatMap((above, i) => {
    const upTo = sorted[i + 1];
    // Between two edges every activity shares the fate of the upper edge, which belongs to it.
    const isNew = upTo !== undefined && claimsAll(after, upTo) && !claimsAll(before, upTo);
    return isNew ? [{ above, upTo }] : [];
  });
}

/** Returns the run that read this activity last; undefined if none did. */
export function lastOver(stretches: readonly Stretch[], activity: number): Stretch | undefined {
  return stretches.findLast(({ above, upTo }) => activity > above && activity <= upTo);
}
