import type { ListPage } from '../../src/source/source.ts';
import type { Version } from './world.ts';

/** The simulation's notes on one run while it goes on. */
export class Probe {
  /** Requests so far, of both kinds. */
  requests = 0;
  /** Moment of the run's first answer, and of its end; null before. */
  from: number | null = null;
  until: number | null = null;
  /** The list as it was at each list answer. */
  readonly snapshots: (readonly Version[])[] = [];
  /** Whether some answer showed an older list, and whether some answer showed an empty list. */
  isStale = false;
  showedNothing = false;
  /** The moment of the oldest list that an answer showed; Infinity if none showed an old one. */
  oldest = Infinity;
  /** The newest activity of such a list, in ms: a program cannot know what came at or below it later. */
  oldestTop = -Infinity;
  /** The fewest rows of an answer that was not the last page and not empty. */
  smallestPage = Infinity;
  /** The first page with a readable activity, and whether the run may stop there (see mayBeUnchanged). */
  head: { page: ListPage; isLast: boolean; mayBeUnchanged: boolean } | null = null;
  /** Tasks for which GET answered 404, and those of them that were there. */
  readonly gone = new Set<string>();
  readonly denied = new Set<string>();
  /** Tasks for which GET failed. */
  readonly withheld = new Set<string>();
  /** Activities of shuffled ties that did not fit, with a row on each side, into a page that showed some. */
  readonly crowded = new Set<number>();
  /** Faults injected into this run: the failures that it may end with. */
  readonly injected = new Set<string>();

  /** Notes an answer of these rows, cut from the list in `order`. */
  seePage(
    order: readonly Version[],
    rows: readonly Version[],
    { isLast, isShuffled }: { isLast: boolean; isShuffled: boolean },
  ): void {
    if (rows.length > 0 && !isLast) this.smallestPage = Math.min(this.smallestPage, rows.length);
    if (!isShuffled) return;
    for (const activity of new Set(rows.map((version) => version.activity))) {
      const ties = order.filter((version) => version.activity === activity).length;
      if (ties > 1 && ties + 2 > rows.length) this.crowded.add(activity);
    }
  }
}
