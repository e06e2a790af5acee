import type { ListPage, TaskSource } from '../ports.ts';
import type { PlacedPage } from './walk.ts';

/** Reads the page at `offset`. `onPushback` is called each time that the API asks to be asked less. */
export type ReadPage = (
  offset: number,
  context: { signal: AbortSignal; onPushback: () => void },
) => Promise<ListPage>;

/** Reads pages of `pageSize` rows of a source, until `signal` aborts; `onRequest` is called for each request that is sent. */
export function pagesOf(
  source: TaskSource,
  { pageSize, signal, onRequest }: { pageSize: number; signal: AbortSignal; onRequest: () => void },
): ReadPage {
  return async (offset, context) => {
    signal.throwIfAborted();
    return source.list(
      { offset, limit: pageSize },
      { signal: AbortSignal.any([signal, context.signal]), onRequest, onPushback: context.onPushback },
    );
  };
}

export interface AheadOptions {
  /** Requests under way at once, at most. */
  concurrency: number;
  /** Rows, from the top of the list, that the walk certainly has to read; Infinity: to the end of the list. */
  reach: () => number;
}

interface Request {
  offset: number;
  page: Promise<ListPage>;
  abort: AbortController;
}

/** Pages overlap by so many rows, unless rows at their border have the same activity. */
const OVERLAP_ROWS = 2;

/**
 * Reads pages for a walk, and those that it will ask for next ahead of time.
 *
 * The window of requests under way begins at one and grows by one with each page, up to `concurrency`; a failed link
 * sets it back to one, and an API that pushes back halves it, whereupon it grows slowly. Nothing is read ahead that
 * the walk does not certainly need. What is handed out proves nothing by itself: the walk links every page.
 *
 * A page that was read ahead is handed out where the walk asks for its place, or for one further down on it (ties at
 * the border of a page move the next one by a row or two). It is thrown away once the walk goes back. Its failure
 * shows when its turn comes.
 */
export class PagesAhead {
  readonly #read: ReadPage;
  readonly #options: AheadOptions;
  /** Read ahead, from the top down, and not yet handed out. */
  #ahead: Request[] = [];
  /** Every request that has not settled, also those that were given up. */
  readonly #open = new Map<AbortController, Promise<ListPage>>();
  #window = 1;
  /** From this window on it grows slowly: the API has pushed back. */
  #ceiling = Infinity;
  /** The page that was handed out last: its first place, and the place after it. */
  #last = -1;
  #lastEnd = 0;
  /** Where the page is read that the walk waits for, or waited for last. */
  #current = 0;
  /** That page lies between the last one and those that were read ahead, which therefore go on meanwhile. */
  #isBetween = false;
  /** Rows of the longest page so far: a server may give fewer than it is asked for. */
  #rows = 0;
  /** Rows of the list, by the API's total or by its end. */
  #total = 0;
  #end = Infinity;

  constructor(read: ReadPage, options: AheadOptions) {
    this.#read = read;
    this.#options = options;
  }

  /** The page at `offset`, or one that begins a little above it and leads further down. Throws what reading it threw. */
  async read(offset: number): Promise<PlacedPage> {
    for (;;) {
      const request = this.#take(offset);
      this.#current = request.offset;
      this.#fill();
      const page = await request.page;
      const end = request.offset + page.rows.length;
      if (request.offset < offset && !(end > this.#lastEnd && beginsAbove(page, offset - request.offset))) {
        continue;
      }
      this.#last = request.offset;
      this.#lastEnd = end;
      return { offset: request.offset, page };
    }
  }

  /** Gives up what was read ahead. Resolves when no request is under way any more. */
  async close(): Promise<void> {
    this.#drop(0);
    await Promise.allSettled(this.#open.values());
  }

  #take(offset: number): Request {
    if (offset <= this.#last) {
      this.#drop(0);
      this.#window = 1;
      this.#end = Infinity;
      return this.#send(offset);
    }
    const [next] = this.#ahead;
    if (this.#last >= 0 && offset === this.#after(this.#last)) this.#grow();
    this.#isBetween = next !== undefined && next.offset > offset;
    if (this.#isBetween) {
      // Ties: one more page in between, after which the others fit. It takes the place of the last of them.
      while (this.#ahead.length > 0 && this.#underWay >= this.#options.concurrency) this.#drop(-1);
      return this.#send(offset);
    }
    this.#ahead.shift();
    return next ?? this.#send(offset);
  }

  #grow(): void {
    const step = this.#window < this.#ceiling ? 1 : 1 / this.#window;
    this.#window = Math.min(this.#options.concurrency, this.#window + step);
  }

  #halve(): void {
    this.#window = Math.max(1, this.#window / 2);
    this.#ceiling = this.#window;
  }

  /** Sends what is needed next, as far as the window allows; pages that wait for their turn are bounded as well. */
  #fill(): void {
    for (;;) {
      const deepest = this.#ahead.at(-1)?.offset ?? this.#current;
      const isNeeded = deepest + this.#rows < Math.min(this.#total, this.#end, this.#options.reach());
      const window = Math.floor(this.#window);
      const room = this.#isBetween ? 2 * window : window;
      if (!isNeeded || window === 1 || this.#underWay >= window || this.#ahead.length >= room) return;
      this.#ahead.push(this.#send(this.#after(deepest)));
    }
  }

  /** Where the walk reads after a full page at `offset`, as a rule. */
  #after(offset: number): number {
    return offset + Math.max(1, this.#rows - OVERLAP_ROWS);
  }

  get #underWay(): number {
    return [...this.#open.keys()].filter(({ signal }) => !signal.aborted).length;
  }

  #send(offset: number): Request {
    const abort = new AbortController();
    const page = this.#fetch(offset, abort);
    this.#open.set(abort, page);
    // Who waits for the page hears of its failure; nobody waits for one that was given up.
    page.catch(() => undefined);
    return { offset, page, abort };
  }

  async #fetch(offset: number, abort: AbortController): Promise<ListPage> {
    try {
      const page = await this.#read(offset, { signal: abort.signal, onPushback: () => this.#halve() });
      this.#open.delete(abort);
      if (!abort.signal.aborted) this.#learn(offset, page);
      return page;
    } catch (error) {
      this.#open.delete(abort);
      if (!abort.signal.aborted) this.#end = Math.min(this.#end, offset);
      throw error;
    }
  }

  #learn(offset: number, { rows, hasMore, total }: ListPage): void {
    this.#rows = Math.max(this.#rows, rows.length);
    this.#total = total ?? 0;
    if (!hasMore) this.#end = Math.min(this.#end, offset + rows.length);
    this.#fill();
  }

  #drop(from: number): void {
    for (const { abort } of this.#ahead.splice(from)) abort.abort();
  }
}

/** Whether the page's first row certainly stands above the one at `index`: then it links where that one does. */
function beginsAbove({ rows }: ListPage, index: number): boolean {
  const [first, row] = [rows[0]?.activity ?? null, rows[index]?.activity ?? null];
  return first !== null && row !== null && first > row;
}
