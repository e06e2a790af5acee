import Database from 'better-sqlite3';

/** A word at a place: a full text index holds nothing else. */
interface Instance {
  term: string;
  doc: number;
  col: string;
  offset: number;
}

const COLUMNS = 'message, system_prompt, error';

/** Returns every word of the index, in order (sqlite.org/fts5.html, "The fts5vocab Virtual Table Module"). */
export function indexed(db: Database.Database): Instance[] {
  db.exec("create virtual table if not exists temp.words using fts5vocab('main', 'task_search', 'instance')");
  return db
    .prepare<[], Instance>(
      'select term, doc, col, "offset" from temp.words order by doc, col, "offset", term',
    )
    .all();
}

/** Returns what a new index of the rows up to `built_through` holds; the file must hold the same. */
export function reindexed(db: Database.Database): Instance[] {
  const definition = db
    .prepare<[], string>("select sql from sqlite_schema where name = 'task_search'")
    .pluck()
    .get();
  if (definition === undefined) throw new Error('The mirror has no search index.');
  const fresh = new Database(':memory:');
  try {
    fresh.exec(`create table tasks (${COLUMNS})`);
    fresh.exec(definition);
    const add = fresh.prepare(`insert into task_search (rowid, ${COLUMNS}) values (?, ?, ?, ?)`);
    const rows = db.prepare<[], (bigint | string | null)[]>(
      `select rowid, ${COLUMNS} from tasks where rowid <= (select built_through from search_state)`,
    );
    for (const row of rows.raw().safeIntegers().iterate()) add.run(...row);
    return indexed(fresh);
  } finally {
    fresh.close();
  }
}

/** Returns how far the index is built; null if there is none. */
export function builtThrough(db: Database.Database): bigint | null {
  return (
    db.prepare<[], bigint>('select built_through from search_state').pluck().safeIntegers().get() ?? null
  );
}

/** `built_through` of an index that is complete. */
export const COMPLETE = 2n ** 63n - 1n;
