import { UsageError } from '../model/errors.ts';
import { type Parameters, tasksOf } from './ask.ts';

/** What to look for among the tasks that are not removed. */
export interface SearchRequest {
  /** Words, all of which a task has to hold; with `raw` a query of FTS5's own language. */
  text: string;
  raw: boolean;
  status: string | null;
  user: string | null;
  /** UTC text: created at or after it, and before it. */
  since: string | null;
  until: string | null;
  /** Tasks at most. */
  limit: number;
  /** What stands before and after each word that was found. */
  marks: readonly [open: string, close: string];
}

/** A statement with its named parameters. */
export interface SearchSql {
  sql: string;
  parameters: Parameters;
}

/** How far the index is built, in one row of two columns; none where there is no index. */
export const SEARCH_PROGRESS_SQL =
  'select built_through, (select coalesce(max(rowid), 0) from tasks) from search_state';

/** Characters of a query at most. */
const LONGEST = 1_000;
/** Words of a snippet; FTS5 takes 64 at most. */
const SNIPPET = 16;

/** The tasks that fit best first, with `rank` (bm25: lower is better) and a `snippet`. Throws UsageError. */
export function searchSql(request: SearchRequest): SearchSql {
  const match = request.raw ? bounded(request.text) : matchAll(request.text);
  const [open, close] = request.marks;
  const { where, parameters } = tasksOf(request);
  return {
    // Cross join: FTS5 hands out the best first, so that tasks are looked up only until there are enough.
    sql: `select t.id, t.status, t.username, t.created_at, task_search.rank,
        snippet(task_search, -1, :open, :close, '…', ${SNIPPET}) as snippet
      from task_search cross join tasks t on t.rowid = task_search.rowid
      where task_search match :match and ${where}
      order by task_search.rank limit :limit`,
    parameters: { ...parameters, match, open, close, limit: BigInt(request.limit) },
  };
}

/** Each word in quotes, so that nothing in it is syntax (sqlite.org/fts5.html, "FTS5 Strings"). */
function matchAll(text: string): string {
  const words = bounded(text.replaceAll('\0', ' '))
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (words.length > 0) return words.map((word) => `"${word.replaceAll('"', '""')}"`).join(' ');
  throw new UsageError('search_without_words', {}, 'there is no word to search for');
}

function bounded(text: string): string {
  const facts = { length: text.length, most: LONGEST };
  if (text.includes('\0'))
    throw new UsageError('search_text_invalid', facts, 'a query cannot hold a NUL character');
  if (text.length <= LONGEST) return text;
  throw new UsageError(
    'search_text_invalid',
    facts,
    `a query of ${text.length} characters is too long: ${LONGEST} at most`,
  );
}
