import { setImmediate } from 'node:timers/promises';
import { changesOf, type ChangesWanted, type Since } from '../feed/changes.ts';
import { InterruptedError } from '../model/errors.ts';
import type { Feed, TaskChange as StoredChange } from '../store/feed.ts';
import { assertOptions, type Kind, KINDS, wrong } from './checks.ts';
import { type Row, valueOf } from './query.ts';

/** A task that changed, as it is now. */
export interface TaskChange extends Omit<StoredChange, 'task'> {
  /** The row, names as in `tasks`; values as those of a query. */
  task: Row;
}

/** The changes to loop over. */
export interface ChangesOptions {
  /**
   * After the change of this number; `start`: all; `now`: none of the past. By default `start`, or `now` with
   * `follow`.
   */
  since?: Since | undefined;
  /** At the end, wait for more: the loop goes on until it is left, or `signal` aborts. Default: false. */
  follow?: boolean | undefined;
  /** Only tasks that are in this status now. */
  status?: string | undefined;
  /** Only tasks of this source, or of these. */
  source?: string | readonly string[] | undefined;
  /** Ends the loop: it throws InterruptedError. */
  signal?: AbortSignal | undefined;
}

const OPTIONS: Record<keyof ChangesOptions, Kind> = {
  since: {
    expected: 'the number of a change, start or now',
    fits: (value) =>
      value === 'start' || value === 'now' || (Number.isSafeInteger(value) && Number(value) >= 0),
  },
  follow: KINDS.flag,
  status: KINDS.text,
  source: {
    expected: 'a text or a list',
    fits: (value) => typeof value === 'string' || Array.isArray(value),
  },
  signal: KINDS.signal,
};

/** The loops over the changes of a mirror. Each has its own reader, until it ends or is left. */
export class Changes {
  readonly #open: () => Promise<Feed>;
  readonly #feeds = new Set<Feed>();
  readonly #stop = new AbortController();

  constructor(open: () => Promise<Feed>) {
    this.#open = open;
  }

  /** Prepares a loop. Throws UsageError for options that cannot be used; other errors come in the loop. */
  changes(options: ChangesOptions): AsyncIterable<TaskChange> {
    assertOptions(options, OPTIONS);
    const { follow = false, since = follow ? 'now' : 'start', status, source = [], signal } = options;
    const sources = typeof source === 'string' ? [source] : [...source];
    if (!sources.every((name) => typeof name === 'string'))
      throw wrong('source', 'a list of other things', 'texts');
    const signals = [this.#stop.signal, ...(signal === undefined ? [] : [signal])];
    const wanted = { since, follow, status, sources, signal: AbortSignal.any(signals) };
    return { [Symbol.asyncIterator]: () => this.#loop(wanted) };
  }

  /** Ends the loops in progress, and releases their readers. */
  async close(): Promise<void> {
    this.#stop.abort(new InterruptedError('the mirror was closed while its changes were read'));
    await Promise.all([...this.#feeds].map((feed) => this.#release(feed)));
  }

  async *#loop(wanted: ChangesWanted): AsyncGenerator<TaskChange, void> {
    const { signal } = wanted;
    let feed: Feed | undefined;
    try {
      signal.throwIfAborted();
      feed = await this.#open();
      this.#feeds.add(feed);
      for await (const page of changesOf(feed, wanted)) {
        for (const change of page) {
          yield withValues(change);
          signal.throwIfAborted();
        }
        // SQLite works in this thread: let other work run.
        await setImmediate();
      }
    } catch (error) {
      throw signal.aborted ? asInterruption(signal.reason) : error;
    } finally {
      if (feed !== undefined) await this.#release(feed);
    }
  }

  async #release(feed: Feed): Promise<void> {
    if (this.#feeds.delete(feed)) await feed.close();
  }
}

function withValues(change: StoredChange): TaskChange {
  const values = Object.entries(change.task).map(([name, cell]) => [name, valueOf(cell)] as const);
  return { ...change, task: Object.fromEntries(values) };
}

function asInterruption(reason: unknown): InterruptedError {
  return reason instanceof InterruptedError
    ? reason
    : new InterruptedError('the loop over changes was interrupted', { cause: reason });
}
