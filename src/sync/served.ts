import { PageFailedError } from '../model/errors.ts';
import type { ListPage, RequestContext, TaskSource } from '../source/source.ts';
import { type Hole, OVERLAP_ROWS, type PlacedPage } from './reading.ts';

/** Context of one request. `onPushback` is called each time the API asks for fewer requests. */
export type PageContext = Required<Pick<RequestContext, 'signal' | 'onPushback'>>;

/** Share of the time for all attempts that part of a page may take: the page has used all of it in vain. */
const PART_PATIENCE = 1 / 64;
/** Least rows of a page for the rest of a run: it has to overlap with the next one. */
const LEAST_PAGE_ROWS = 8;
/** A place this many pages below is tried before the API is believed to serve nothing. */
const PAGES_PROBED_BELOW = 10;
/** Most doublings of a stretch at its beginning. */
const MOST_DOUBLINGS = 10;
/** Most requests to find the end of a stretch that cannot be served. */
const MOST_PROBES = 40;

/** Reader of pages for {@link PagesAhead}. */
export type PageReader = Pick<ServedPages, 'read' | 'readAround'>;

/**
 * The pages of a source that may be unable to serve all of them. A page that is too large is asked for in
 * halves, and so are all later ones. A page that fails for another reason is narrowed down to the row that it
 * fails on, which is passed over.
 */
export class ServedPages {
  readonly #source: TaskSource;
  readonly #signal: AbortSignal;
  readonly #onRequest: () => void;
  readonly #pageSize: number;
  /** Rows asked for; fewer once a page was too large. */
  #rows: number;
  /** The row that a page was just narrowed down to, and why; null if none. */
  #bad: { offset: number; reason: string } | null = null;
  /**
   * Pages in a row that failed although, in the end, none of their rows did: the list moves, so the row is
   * elsewhere by then.
   */
  #missed = 0;

  /** Reads until `signal` aborts; `onRequest` is called for each request that is sent. */
  constructor(
    source: TaskSource,
    { pageSize, signal, onRequest }: { pageSize: number; signal: AbortSignal; onRequest: () => void },
  ) {
    this.#source = source;
    this.#pageSize = pageSize;
    this.#rows = pageSize;
    this.#signal = signal;
    this.#onRequest = onRequest;
  }

  /** Returns the page at `offset`. Throws what the source throws: PageFailedError if another place may do. */
  async read(offset: number, context: PageContext): Promise<PlacedPage> {
    for (;;) {
      const asked = this.#rows;
      try {
        return { offset, page: await this.#list(offset, asked, context), asked };
      } catch (error) {
        if (!(error instanceof PageFailedError) || !error.isTooLarge || asked <= LEAST_PAGE_ROWS) throw error;
        this.#rows = Math.min(this.#rows, Math.max(LEAST_PAGE_ROWS, asked >> 1));
      }
    }
  }

  /**
   * Returns the page at `offset`, or as much of it as can be had, or the hole that begins there. `failed`:
   * reading it has just failed. Throws if the API serves nothing at all.
   */
  async readAround(
    offset: number,
    context: PageContext,
    failed: PageFailedError | null = null,
  ): Promise<PlacedPage | Hole> {
    const bad = this.#bad;
    this.#bad = null;
    // The walk has read everything above it.
    if (bad !== null && offset <= bad.offset && bad.offset <= offset + OVERLAP_ROWS) {
      return this.#hole(bad.offset, bad.reason, context);
    }
    if (failed !== null) return this.#narrowDown(offset, failed, context);
    try {
      const placed = await this.read(offset, context);
      this.#missed = 0;
      return placed;
    } catch (error) {
      if (!(error instanceof PageFailedError)) throw error;
      return this.#narrowDown(offset, error, context);
    }
  }

  async #narrowDown(
    offset: number,
    error: PageFailedError,
    context: PageContext,
  ): Promise<PlacedPage | Hole> {
    const isServed = async (place: number) => (await this.#try(place, 1, context)) !== null;
    const rows = this.#rows;
    const places = [0, offset + rows, offset + PAGES_PROBED_BELOW * rows];
    for (const [i, place] of places.entries()) {
      if (await isServed(place)) break;
      if (i === places.length - 1) throw error;
    }
    let found: PlacedPage | null = null;
    let [good, bad] = [0, rows];
    while (bad - good > 1) {
      const asked = (good + bad) >> 1;
      const page = await this.#try(offset, asked, context);
      if (page === null) bad = asked;
      else [good, found] = [asked, { offset, page, asked }];
    }
    const reason = error.message;
    if (found === null) return this.#hole(offset, reason, context);
    if ((await isServed(offset + good)) && this.#suffices(good, bad === rows, error)) return found;
    this.#bad = { offset: offset + good, reason };
    return found;
  }

  /**
   * Returns whether a page of `good` rows is enough, although one row more fails. The row after them does not
   * fail alone: either this many are too much, or the API serves again what has just failed. Else the row has
   * moved with the list.
   */
  #suffices(good: number, isRecovered: boolean, { isTooLarge }: PageFailedError): boolean {
    if (isRecovered) return true;
    if (!isTooLarge) {
      this.#missed += 1;
      if (this.#missed > 1 || good < LEAST_PAGE_ROWS) return false;
    }
    this.#rows = good;
    return true;
  }

  /** Finds how far the rows from `offset` on cannot be served: by doubling, then by halving. */
  async #hole(offset: number, reason: string, context: PageContext): Promise<Hole> {
    // A row that moves with the list is met only by a stretch longer than its movement meanwhile.
    let [bad, good] = [2 ** Math.min(this.#missed, MOST_DOUBLINGS), Infinity];
    for (let probes = 0; bad + 1 < good; probes += 1) {
      const rows = good === Infinity ? bad * 2 : (bad + good) >> 1;
      const page = probes < MOST_PROBES ? await this.#try(offset + rows - 1, 1, context) : null;
      if (page !== null && page.rows.length > 0) good = rows;
      else if (page !== null || probes >= MOST_PROBES) break;
      else bad = rows;
    }
    // If a row here was too large, the others need not be asked for in small pages.
    this.#rows = this.#pageSize;
    return { offset, rows: good === Infinity ? Infinity : good - 1, reason };
  }

  /** Returns the page; null if it fails. */
  async #try(offset: number, rows: number, context: PageContext): Promise<ListPage | null> {
    try {
      return await this.#list(offset, rows, { ...context, patience: PART_PATIENCE });
    } catch (error) {
      if (error instanceof PageFailedError) return null;
      throw error;
    }
  }

  async #list(
    offset: number,
    limit: number,
    { signal, ...context }: PageContext & Pick<RequestContext, 'patience'>,
  ): Promise<ListPage> {
    this.#signal.throwIfAborted();
    return this.#source.list(
      { offset, limit },
      { ...context, signal: AbortSignal.any([this.#signal, signal]), onRequest: this.#onRequest },
    );
  }
}
