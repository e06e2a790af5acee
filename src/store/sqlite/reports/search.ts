import type { Parameters, SearchQuestion } from '../../reportable.ts';
import { boundedSearch, searchWords } from '../../sql/search-text.ts';

/** The index's progress and the last rowid of tasks, in one row; no row if there is no index. */
export const SEARCH_PROGRESS_SQL =
  'select built_through, (select coalesce(max(rowid), 0) from tasks) from search_state';

/** Words of a snippet; FTS5 takes 64 at most. */
const SNIPPET = 16;

/** Builds the SQL for the best matches first, with `rank` (bm25) and a `snippet`. Throws UsageError. */
export function searchSql(question: SearchQuestion): { sql: string; parameters: Parameters } {
  const match = question.raw ? boundedSearch(question.text) : matchAll(question.text);
  const [open, close] = question.marks;
  const { where, parameters } = question.filter;
  return {
    // Cross join: FTS5 returns the best first, so SQLite looks tasks up only until there are enough.
    sql: `select t.id, t.status, t.username, t.created_at, task_search.rank,
        snippet(task_search, -1, :open, :close, '…', ${SNIPPET}) as snippet
      from task_search cross join tasks t on t.rowid = task_search.rowid
      where task_search match :match and ${where}
      order by task_search.rank limit :limit`,
    parameters: { ...parameters, match, open, close, limit: BigInt(question.limit) },
  };
}

/** Quotes each word, so that nothing in it is syntax (sqlite.org/fts5.html, "FTS5 Strings"). */
function matchAll(text: string): string {
  return searchWords(text)
    .map((word) => `"${word.replaceAll('"', '""')}"`)
    .join(' ');
}
