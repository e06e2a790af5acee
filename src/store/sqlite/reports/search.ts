import { UsageError } from '../../../model/errors.ts';
import type { Parameters, SearchQuestion } from '../../reportable.ts';

/** How far the index is built, and how far there are tasks, in one row; none where there is no index. */
export const SEARCH_PROGRESS_SQL =
  'select built_through, (select coalesce(max(rowid), 0) from tasks) from search_state';

/** Characters of a query at most. */
const LONGEST = 1_000;
/** Words of a snippet; FTS5 takes 64 at most. */
const SNIPPET = 16;

/** The tasks that fit best first, with `rank` (bm25) and a `snippet`. Throws UsageError. */
export function searchSql(question: SearchQuestion): { sql: string; parameters: Parameters } {
  const match = question.raw ? bounded(question.text) : matchAll(question.text);
  const [open, close] = question.marks;
  const { where, parameters } = question.filter;
  return {
    // Cross join: FTS5 hands out the best first, so that tasks are looked up only until there are enough.
    sql: `select t.id, t.status, t.username, t.created_at, task_search.rank,
        snippet(task_search, -1, :open, :close, '…', ${SNIPPET}) as snippet
      from task_search cross join tasks t on t.rowid = task_search.rowid
      where task_search match :match and ${where}
      order by task_search.rank limit :limit`,
    parameters: { ...parameters, match, open, close, limit: BigInt(question.limit) },
  };
}

/** Each word in quotes, so that nothing in it is syntax (sqlite.org/fts5.html, "FTS5 Strings"). */
function matchAll(text: string): string {
  const words = bounded(text.replaceAll('\0', ' '))
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (words.length > 0) return words.map((word) => `"${word.replaceAll('"', '""')}"`).join(' ');
  throw new UsageError('there is no word to search for', {
    hint: 'Words are made of letters and digits. Other characters can be found with taskmirror query and LIKE.',
  });
}

function bounded(text: string): string {
  if (text.includes('\0')) throw new UsageError('a query cannot hold a NUL character');
  if (text.length <= LONGEST) return text;
  throw new UsageError(`a query of ${text.length} characters is too long: ${LONGEST} at most`);
}
