import { UsageError } from '../../../model/errors.ts';
import type { Batch, Cell, Queryable, SqlParameters, Table } from '../../queryable.ts';
import type { SearchProgress, SearchQuestion } from '../../reportable.ts';
import { boundedSearch, searchWords, withoutWords } from '../../sql/search-text.ts';
import { INDEXED } from '../search-objects.ts';
import { folded, phrasesOf, snippetOf } from './snippet.ts';

/** By weight, from D to A: as the columns' weights of bm25 in SQLite, 4 for a message, 2 for an error, 1. */
const WEIGHTS = '{0, 0.25, 0.5, 1}';

const COLUMNS = ['id', 'status', 'username', 'created_at', 'rank', 'snippet'];

/** Counts only while the index is being built; null if there is none. */
export async function searchProgress(mirror: Queryable): Promise<SearchProgress | null> {
  const [state] = await rowsOf(mirror, 'select built_through is null from search_state');
  if (state === undefined) return null;
  if (state[0] === true) return { built: 0, tasks: 0 };
  const [counts] = await rowsOf(
    mirror,
    'select (select count(*) from task_search), (select count(*) from tasks)',
  );
  return { built: Number(counts?.[0]), tasks: Number(counts?.[1]) };
}

/** Finds the best matches, with `rank` and a `snippet`. Throws UsageError. */
export async function searchTasks(mirror: Queryable, question: SearchQuestion): Promise<Table> {
  const query = await tsqueryOf(mirror, question);
  const { where, parameters } = question.filter;
  const found = await mirror.run(
    // The texts are read of those that are shown, and sorted with none.
    `select t.id, t.status, t.username, t.created_at, found.rank,
      left(t.message, ${INDEXED.message}), left(t.system_prompt, ${INDEXED.system_prompt}), left(t.error, ${INDEXED.error})
    from (
      select id, created_at, -ts_rank('${WEIGHTS}', words, :query::tsquery, 1) as rank
      from task_search join tasks on id = task_id
      where words @@ :query::tsquery and ${where}
      order by rank, created_at desc, id limit :limit
    ) as found join tasks t on t.id = found.id
    order by found.rank, found.created_at desc, found.id`,
    { ...parameters, query, limit: BigInt(question.limit) },
  );
  const phrases = phrasesOf(query);
  const rows: Batch[number][] = [];
  for await (const batch of found.batches) {
    for (const [id, status, username, createdAt, rank, message, prompt, error] of batch) {
      const texts = [
        { weight: 'A', text: textOf(message) },
        { weight: 'C', text: textOf(prompt) },
        { weight: 'B', text: textOf(error) },
      ] as const;
      const snippet = snippetOf(texts, phrases, question.marks);
      rows.push([id ?? null, status ?? null, username ?? null, createdAt ?? null, rank ?? null, snippet]);
    }
  }
  return { columns: COLUMNS, rows };
}

/** Returns the query as PostgreSQL writes it. */
async function tsqueryOf(mirror: Queryable, { text, raw }: SearchQuestion): Promise<string> {
  if (raw) return rawQuery(mirror, boundedSearch(text));
  // A word that has signs within it, such as a file's name, is a phrase.
  const words = searchWords(text);
  const [row] = await rowsOf(
    mirror,
    `select string_agg('(' || phrase::text || ')', ' & ')
    from json_array_elements_text(:words::json) as word,
      lateral (select phraseto_tsquery('pg_catalog.simple'::regconfig, task_fold(word)) as phrase) as folded
    where numnode(phrase) > 0`,
    { words: JSON.stringify(words) },
  );
  return someQuery(row?.[0]);
}

async function rawQuery(mirror: Queryable, text: string): Promise<string> {
  try {
    const sql = `select to_tsquery('pg_catalog.simple'::regconfig, :text)::text`;
    const [row] = await rowsOf(mirror, sql, { text: folded(text) });
    return someQuery(row?.[0]);
  } catch (error) {
    if (!(error instanceof UsageError) || !(error.cause instanceof Error)) throw error;
    const why = `PostgreSQL does not understand this query: ${error.cause.message}`;
    throw new UsageError('search_query_invalid', { language: 'tsquery' }, why);
  }
}

function someQuery(found: Cell | undefined): string {
  if (typeof found === 'string' && found !== '') return found;
  throw withoutWords();
}

async function rowsOf(mirror: Queryable, sql: string, parameters?: SqlParameters): Promise<Batch[number][]> {
  const rows: Batch[number][] = [];
  for await (const batch of (await mirror.run(sql, parameters)).batches) rows.push(...batch);
  return rows;
}

const textOf = (cell: Cell | undefined): string | null => (typeof cell === 'string' ? cell : null);
