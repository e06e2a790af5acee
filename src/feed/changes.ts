import { UsageError } from '../model/errors.ts';
import type { Feed, FeedQuestion, TaskChange } from '../store/feed.ts';

/** Where to begin: after the change of this number, with the first change, or with the next one. */
export type Since = number | 'start' | 'now';

/** The changes that somebody wants. */
export interface ChangesWanted extends Pick<FeedQuestion, 'status' | 'sources'> {
  since: Since;
  /** At the end of the changes, wait for more. */
  follow: boolean;
  /** End after this many tasks. */
  limit?: number | undefined;
  signal: AbortSignal;
}

/**
 * Yields tasks that changed, page by page, by the number of their last change: those until now as of one
 * moment, each once; then, to follow, those that change after it. Throws UsageError if `since` is a number
 * that the mirror has not reached, or it went back while it was followed, DatabaseError, and the signal's reason
 * when it aborts.
 */
export async function* changesOf(
  feed: Feed,
  { since, follow, limit = Infinity, signal, status, sources }: ChangesWanted,
): AsyncGenerator<readonly TaskChange[], void> {
  let cursor = typeof since === 'number' ? since : since === 'start' ? 0 : await feed.head();
  let after = cursor;
  for (let left = limit; ;) {
    signal.throwIfAborted();
    const head = await feed.head();
    if (head < after) throw aheadOf(head, after);
    for await (const page of feed.pages({ since: cursor, after, limit: left, status, sources })) {
      signal.throwIfAborted();
      yield page;
      left -= page.length;
      cursor = page.at(-1)?.seq ?? cursor;
    }
    if (!follow || left === 0) return;
    // What a filter passed over is not looked at again.
    after = Math.max(cursor, head);
    await feed.changed(after, signal);
  }
}

/** Going on would pass over what comes up to the cursor. */
function aheadOf(head: number, since: number): UsageError {
  return new UsageError(
    'cursor_ahead',
    { since, head },
    `the mirror has no change ${since} yet: its last one is ${head}`,
  );
}
