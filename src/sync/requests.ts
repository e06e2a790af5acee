import { PageFailedError } from '../model/errors.ts';
import type { Hole, PlacedPage } from './reading.ts';
import type { PageContext, PageReader } from './served.ts';

/** A page that was asked for. */
export interface PageRequest {
  offset: number;
  /** Its number among all requests. */
  number: number;
  found: Promise<PlacedPage | Hole | PageFailedError>;
  /** The page, once it has arrived. */
  page: PlacedPage | null;
  /** Asked for to fill the place between two pages that do not join. */
  isSeam: boolean;
  abort: AbortController;
}

/** The listener to the outcome of requests that were not given up. */
export interface RequestListener {
  onPage(placed: PlacedPage): void;
  /** A failure that another page would not avoid. */
  onFailure(offset: number): void;
  /** The API asks for fewer requests. */
  onPushback(): void;
}

/** The page requests of one walk: numbers them, and knows which are under way. */
export class PageRequests {
  readonly #pages: PageReader;
  readonly #listener: RequestListener;
  /** Every request that has not settled, including those that were given up. */
  readonly #open = new Map<AbortController, PageRequest['found']>();
  #sent = 0;

  constructor(pages: PageReader, listener: RequestListener) {
    this.#pages = pages;
    this.#listener = listener;
  }

  /** The number of the next request. */
  get next(): number {
    return this.#sent + 1;
  }

  /** The number of requests that are neither answered nor given up. */
  get underWay(): number {
    return [...this.#open.keys()].filter(({ signal }) => !signal.aborted).length;
  }

  /** Asks for the page at `offset`. If it cannot be served, resolves with the failure. */
  ahead(offset: number): PageRequest {
    return this.#send(offset, (context) => this.#pages.read(offset, context));
  }

  /** Asks for the page at `offset`, or as much of it as can be had. `failed`: reading it has just failed. */
  here(offset: number, failed: PageFailedError | null): PageRequest {
    return this.#send(offset, (context) => this.#pages.readAround(offset, context, failed));
  }

  /** Resolves when no request is under way, including those that were given up. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open.values());
  }

  #send(offset: number, read: (context: PageContext) => Promise<PlacedPage | Hole>): PageRequest {
    this.#sent += 1;
    const abort = new AbortController();
    const found = this.#fetch(offset, abort.signal, read);
    const request: PageRequest = { offset, number: this.#sent, found, page: null, isSeam: false, abort };
    this.#open.set(abort, found);
    found.then(
      (page) => this.#settle(request, page),
      // The reader of the page gets its failure; nobody waits for one that was given up.
      () => this.#open.delete(abort),
    );
    return request;
  }

  async #fetch(
    offset: number,
    signal: AbortSignal,
    read: (context: PageContext) => Promise<PlacedPage | Hole>,
  ): Promise<PlacedPage | Hole | PageFailedError> {
    try {
      return await read({ signal, onPushback: () => this.#listener.onPushback() });
    } catch (error) {
      if (error instanceof PageFailedError) return error;
      if (!signal.aborted) this.#listener.onFailure(offset);
      throw error;
    }
  }

  #settle(request: PageRequest, found: PlacedPage | Hole | PageFailedError): void {
    this.#open.delete(request.abort);
    if (!('page' in found) || request.abort.signal.aborted) return;
    request.page = found;
    this.#listener.onPage(found);
  }
}
