import { PageFailedError } from '../model/errors.ts';
import { Drift, shownBy, shownBySeam } from './drift.ts';
import { firstActivity, type Fit, lastActivity } from './links.ts';
import { type PageRequest, PageRequests } from './requests.ts';
import type { PageReader } from './served.ts';
import { type Hole, newRowsPerPage, OVERLAP_ROWS, type PlacedPage, type Wanted } from './reading.ts';
import { Window } from './window.ts';

export interface AheadOptions {
  /** Most requests under way at once. */
  concurrency: number;
  /** Rows from the top of the list that the walk certainly has to read; Infinity: to the end of the list. */
  reach: () => number;
}

/** The place on a page where its seam should be, as a share of the page's rows. */
const SEAM_AT = 1 / 2;

/** A page that was answered, and its fit to the place of the walk. */
interface Judged {
  request: PageRequest;
  placed: PlacedPage;
  fit: Fit;
}

/**
 * Reads pages for a walk, and reads ahead the pages that it will ask for next.
 *
 * A page that was read ahead is handed out as soon as the walk can go on with it, whatever place it was asked
 * for. If it begins too low, only the *seam* is asked for: the rows between the frontier and that page. The
 * pages below wait meanwhile. How the list has moved between pages so far decides where pages begin. Nothing
 * is read ahead unless the walk certainly needs it. A page handed out proves nothing by itself: the walk
 * links every page. A failure shows when its turn comes.
 */
export class PagesAhead {
  readonly #reach: () => number;
  readonly #window: Window;
  readonly #drift = new Drift();
  /** Pages read ahead and not yet handed out, from the top down. */
  readonly #ahead: PageRequest[] = [];
  readonly #requests: PageRequests;
  /** The number of the request whose page was handed out last, and of the last one whose page linked. */
  #last = 0;
  #standsOn = 0;
  /** The place after the last page that was handed out. */
  #lastEnd = 0;
  /** The place of the last row above the frontier when a page was last asked for there. */
  #anchor: number | null = null;
  /** The place of the page that the walk waits for, or waited for last. */
  #current = 0;
  /** That page lies above those that were read ahead, so these go on meanwhile. */
  #isSeam = false;
  /** The page that was asked for last, right where the walk is, if it began too low. */
  #tooLow: Judged | null = null;
  /** Rows of the longest page so far: a server may return fewer than it is asked for. */
  #rows = 0;
  /** Rows of the list, by the API's total and by the end that it showed. */
  #total = 0;
  #end = Infinity;
  /** The place of a page that failed: nothing below it is needed until its turn comes. */
  #failedAt = Infinity;

  constructor(pages: PageReader, { concurrency, reach }: AheadOptions) {
    this.#reach = reach;
    this.#window = new Window(concurrency);
    this.#requests = new PageRequests(pages, {
      onPage: (placed) => this.#learn(placed),
      onFailure: (offset) => (this.#failedAt = Math.min(this.#failedAt, offset)),
      onPushback: () => this.#window.halve(),
    });
  }

  /**
   * Returns a page to go on with, at or near the wanted place, or the hole there. Throws what reading threw.
   */
  async read(wanted: Wanted): Promise<PlacedPage | Hole> {
    for (;;) {
      const [request] = this.#ahead;
      if (request === undefined) return this.#ask(wanted, null);
      this.#current = Math.min(wanted.offset, request.offset);
      this.#fill();
      const found = await request.found;
      if (!('page' in found)) {
        // Only a page that is asked for right where the walk is may be read in parts.
        this.#ahead.shift();
        return this.#ask(wanted, null, found instanceof PageFailedError ? found : null);
      }
      const judged = { request, placed: found, fit: wanted.fit(found) };
      const { kind } = judged.fit;
      if (kind === 'below') return this.#ask(wanted, judged);
      this.#ahead.shift();
      this.#use(judged);
      this.#learnDrift(wanted, judged, null);
      if (kind === 'links') return this.#handOut(judged);
    }
  }

  /** Gives up what was read ahead. Resolves when no request is under way. */
  async close(): Promise<void> {
    for (const { abort } of this.#ahead.splice(0)) abort.abort();
    await this.#requests.settled();
  }

  /** Asks for a page right where the walk is. `beyond`: the page read ahead that begins too low for it. */
  async #ask(
    wanted: Wanted,
    beyond: Judged | null,
    failed: PageFailedError | null = null,
  ): Promise<PlacedPage | Hole> {
    this.#isSeam = this.#ahead.length > 0;
    const place = failed === null ? this.#placeFor(wanted) : wanted.offset;
    const request = this.#requests.here(place, failed);
    this.#current = place;
    this.#fill();
    const placed = await request.found.finally(() => (this.#isSeam = false));
    if (placed instanceof PageFailedError) throw placed;
    if (!('page' in placed)) return placed;
    const judged = { request, placed, fit: wanted.fit(placed) };
    this.#use(judged);
    const { kind, above } = judged.fit;
    if (kind !== 'links') {
      this.#window.halve();
      if (this.#last !== this.#standsOn) this.#drift.forget();
    }
    const tooLow = beyond ?? this.#tooLow;
    this.#tooLow = kind === 'below' ? judged : null;
    if (kind !== 'below') this.#learnDrift(wanted, judged, above < 0 ? null : tooLow);
    return this.#handOut(judged);
  }

  /**
   * Returns where to ask for a page to go on with. A seam has few rows, so the frontier may be anywhere on
   * its page: the middle is safest. A walk that steps back gets no margin.
   */
  #placeFor({ offset, isRow, anchor }: Wanted): number {
    // If the page before brought no progress, another guess would bring the same page again.
    const isAgain = anchor !== null && anchor === this.#anchor;
    // A walk on its way back has no anchor: the place that it comes from still counts.
    this.#anchor = anchor ?? this.#anchor;
    if (!isRow || (isAgain && offset === anchor)) return offset;
    const place =
      offset + this.#drift.expected(this.#requests.next - this.#last) - this.#marginFor(offset, anchor);
    const deepest = Math.max(offset, this.#total - OVERLAP_ROWS);
    return Math.max(Math.min(offset, 1), Math.min(place, deepest));
  }

  #marginFor(offset: number, anchor: number | null): number {
    if (offset !== anchor) return 0;
    // If several rows are at the frontier, that alone keeps the next page from joining, and the place is
    // known.
    const isTied = this.#lastEnd - offset > OVERLAP_ROWS;
    return this.#isSeam && !isTied ? this.#aboveSeam : this.#drift.margin(this.#rows);
  }

  /** Learns how the list has moved. `tooLow`: a page for the same place that began too low. */
  #learnDrift({ anchor }: Wanted, { request, placed, fit: { above } }: Judged, tooLow: Judged | null): void {
    const shown =
      tooLow === null
        ? shownBy(placed, above, anchor)
        : shownBySeam(tooLow.placed, placed, { above, anchor });
    this.#drift.learn(shown, (tooLow?.request ?? request).number - this.#standsOn);
  }

  #handOut({ request, placed, fit }: Judged): PlacedPage {
    this.#last = request.number;
    this.#lastEnd = placed.offset + placed.page.rows.length;
    if (fit.kind === 'links') this.#standsOn = request.number;
    return placed;
  }

  #use({ placed: { page }, fit: { kind, above } }: Judged): void {
    const brought = kind === 'links' ? page.rows.length - above - OVERLAP_ROWS + 1 : 0;
    this.#window.used(brought, newRowsPerPage(this.#rows));
  }

  /** Sends the requests needed next, as far as the window allows; the pages that wait are bounded as well. */
  #fill(): void {
    for (;;) {
      const { size } = this.#window;
      if (size === 1 || this.#requests.underWay >= size) return;
      if (this.#mend()) continue;
      const last = this.#ahead.at(-1) ?? { offset: this.#current, number: this.#requests.next - 1 };
      const isNeeded =
        last.offset + this.#rows < Math.min(this.#total, this.#end, this.#failedAt, this.#reach());
      const isWaiting = this.#isSeam || this.#ahead.some(({ isSeam }) => isSeam);
      if (!isNeeded || this.#ahead.length >= (isWaiting ? 2 * size : size)) return;
      this.#ahead.push(this.#requests.ahead(this.#below(last)));
    }
  }

  /** Asks for the rows between two pages that are there and do not join; returns false if all join. */
  #mend(): boolean {
    const at = this.#ahead.findIndex((lower, i) => {
      const upper = this.#ahead[i - 1];
      if (upper === undefined || upper.isSeam || lower.isSeam || upper.page === null || lower.page === null)
        return false;
      const [last, first] = [lastActivity(upper.page.page), firstActivity(lower.page.page)];
      return last !== null && first !== null && first < last;
    });
    const lower = this.#ahead[at];
    if (lower === undefined) return false;
    const moved = this.#drift.expected(this.#requests.next - lower.number);
    const seam = this.#requests.ahead(Math.max(1, lower.offset + moved - this.#aboveSeam));
    seam.isSeam = true;
    this.#ahead.splice(at, 0, seam);
    return true;
  }

  /** Rows by which a page begins above its seam, which may be anywhere on it: the middle is safest. */
  get #aboveSeam(): number {
    return Math.floor(this.#rows * SEAM_AT);
  }

  /** Returns the usual place to read after a full page at `offset`. */
  #below({ offset, number }: Pick<PageRequest, 'offset' | 'number'>): number {
    const moved = this.#drift.expected(this.#requests.next - number) - this.#drift.margin(this.#rows);
    return offset + Math.max(1, newRowsPerPage(this.#rows) + moved);
  }

  #learn({ offset, page: { rows, hasMore, total }, asked }: PlacedPage): void {
    this.#rows = Math.max(Math.min(this.#rows, asked), rows.length);
    this.#total = total ?? 0;
    const end = offset + rows.length;
    if (!hasMore) this.#end = Math.min(this.#end, end);
    else if (end >= this.#end) this.#end = Infinity;
    this.#fill();
  }
}
