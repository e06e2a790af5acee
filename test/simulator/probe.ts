import type { ListPage } from '../../src/source/source.ts';
import type { Version } from './world.ts';

/** What the simulation notes of one run while it goes on. */
export class Probe {
  /** Requests so far, of both kinds. */
  requests = 0;
  /** Moment of the run's first answer, and of its end; null before. */
  from: number | null = null;
  until: number | null = null;
  /** The list as it stood at each list answer. */
  readonly snapshots: (readonly Version[])[] = [];
  /** Some answer showed the list as it was before; some one showed an empty list. */
  isStale = false;
  showedNothing = false;
  /** The moment of the oldest list that an answer showed; Infinity: none showed an old one. */
  oldest = Infinity;
  /** The newest activity of such a list, in ms: what came at or below it later, no program can miss. */
  oldestTop = -Infinity;
  /** The fewest rows of an answer that was not the last page and not empty. */
  smallestPage = Infinity;
  /** The first page with an activity that can be read, and whether the run may stop there (see mayBeUnchanged). */
  head: { page: ListPage; isLast: boolean; mayBeUnchanged: boolean } | null = null;
  /** Tasks of which GET said 404, and those of them that were there. */
  readonly gone = new Set<string>();
  readonly denied = new Set<string>();
  /** Tasks of which GET failed. */
  readonly withheld = new Set<string>();
  /** Activities of shuffled ties that did not fit, between a row above and one below, into a page that showed some. */
  readonly crowded = new Set<number>();
  /** What was injected into this run: the failures that it may end with. */
  readonly injected = new Set<string>();

  /** Notes an answer of these rows, cut from the list as `order` has it. */
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
