/**
 * Characters of each text that are indexed: a tsvector has 1 MB at most, and none of so many characters comes
 * near it, whatever they are.
 */
export const INDEXED = { message: 60_000, system_prompt: 20_000, error: 20_000 } as const;

/** Text without the marks of Latin letters, as FTS5 folds it. Plain ASCII, which most text is, has none. */
const unmarked = (text: string): string =>
  `case when octet_length(${text}) = length(${text}) then ${text} else normalize(
    regexp_replace(normalize(${text}, NFD) collate "C", '([A-Za-z])[\\u0300-\\u036f]+', '\\1', 'g'), NFC) end`;

/**
 * Returns the functions that make words of texts. `collation` knows the letters of all languages: the database's
 * own may know those of English alone. Null: the server has none; then every character beyond ASCII counts as a
 * letter, and only English letters are made small.
 */
export function searchFunctions(s: string, collation: string | null): string[] {
  const lower = collation === null ? '' : ` collate "${collation}"`;
  const others = collation === null ? '[^[:alnum:]\\u0080-\\U0010ffff]+' : '[^[:alnum:]]+';
  // Nothing but words is left for PostgreSQL's parser, which takes `db_pool.ts` for a host, and depends on the
  // locale of the database.
  const wordsOf = (column: keyof typeof INDEXED, weight: string): string =>
    `setweight(to_tsvector('pg_catalog.simple'::regconfig,
      ${s}task_fold(left(coalesce(${column}, ''), ${INDEXED[column]}))), '${weight}')`;
  // A place between two texts, so that no phrase goes from one into the other.
  const gap = `'|:1'::tsvector`;
  return [
    `create function ${s}task_fold(content text) returns text
      language sql immutable parallel safe
      return regexp_replace(lower((${unmarked('content')})${lower}), '${others}', ' ', 'g')`,

    `create function ${s}task_words(message text, system_prompt text, error text) returns tsvector
      language sql immutable parallel safe
      return ts_delete(
        ${wordsOf('message', 'A')} || ${gap} || ${wordsOf('error', 'B')} || ${gap} || ${wordsOf('system_prompt', 'C')},
        '|'
      )`,
  ];
}

/** Returns what keeps the index up to date with every write, whoever makes it. */
export function searchTriggers(s: string): string[] {
  const columns = ['message', 'system_prompt', 'error'];
  const of = (row: string): string => columns.map((column) => `${row}.${column}`).join(', ');
  return [
    `create function ${s}task_search_keep() returns trigger
      language plpgsql set search_path = pg_catalog, pg_temp as $$
      begin
        insert into ${s}task_search (task_id, words) values (new.id, ${s}task_words(${of('new')}))
        on conflict (task_id) do update set words = excluded.words;
        return null;
      end $$`,

    `create trigger task_search_insert after insert on ${s}tasks
      for each row execute function ${s}task_search_keep()`,

    `create trigger task_search_update after update of ${columns.join(', ')} on ${s}tasks
      for each row when ((${of('old')}) is distinct from (${of('new')}))
      execute function ${s}task_search_keep()`,
  ];
}
