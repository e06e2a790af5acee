import Database from 'better-sqlite3';

/** The search index and the tables in which FTS5 keeps it (sqlite.org/fts5.html, "FTS5 Data Structures"). */
const OF_INDEX = String.raw`(name = 'task_search' or name like 'task\_search\_%' escape '\')`;

/** Returns whether a table and its indexes are whole, page by page and row by row. */
function isSound(db: Database.Database, table: string): boolean {
  try {
    const lines = db.pragma(`integrity_check("${table}")`) as { integrity_check: string }[];
    return lines.every((line) => line.integrity_check === 'ok');
  } catch (error) {
    if (error instanceof Database.SqliteError) return false;
    throw error;
  }
}

/**
 * Returns whether only the search index is damaged: it can be rebuilt from the tasks. `problems`: those that
 * a check of the whole file listed; empty if it could not complete.
 */
export function isOnlySearchIndex(db: Database.Database, problems: readonly string[]): boolean {
  const tables = db
    .prepare<[], { name: string; rootpage: number; isOfIndex: 0 | 1 }>(
      `select name, rootpage, ${OF_INDEX} as isOfIndex from sqlite_schema where type = 'table'`,
    )
    .all();
  const ofIndex = tables.filter(({ isOfIndex }) => isOfIndex === 1);
  const roots = new Set(ofIndex.map(({ rootpage }) => rootpage));
  const isOfIndex = (problem: string): boolean =>
    /\b(?:fts5|task_search)/i.test(problem) || roots.has(Number(/\bTree (\d+) /.exec(problem)?.[1]));
  return (
    ofIndex.length > 0 &&
    problems.every(isOfIndex) &&
    tables.every((table) => table.isOfIndex === 1 || isSound(db, table.name))
  );
}

/**
 * Returns whether FTS5 and SQLite can take the search index apart, table by table and page by page; true if
 * there is none. Call outside of a transaction: after a damaged page is read in one, SQLite lets it write
 * nothing more.
 */
export function canDropSearchIndex(db: Database.Database): boolean {
  if (db.prepare("select 1 from sqlite_schema where name = 'task_search'").get() === undefined) return true;
  try {
    db.prepare('select 1 from task_search limit 0');
  } catch (error) {
    if (error instanceof Database.SqliteError) return false;
    throw error;
  }
  const shadows = db
    .prepare<[], string>(
      `select name from sqlite_schema where type = 'table' and rootpage > 0 and ${OF_INDEX}`,
    )
    .pluck()
    .all();
  return shadows.every((name) => isSound(db, name));
}

/**
 * Deletes the search index from the schema without reading a page of it. Its pages stay in the file, unused.
 * Call inside a transaction.
 */
export function forgetSearchIndex(db: Database.Database): void {
  const version = Number(db.pragma('schema_version', { simple: true }));
  db.unsafeMode(true);
  try {
    db.pragma('writable_schema = on');
    db.exec(`delete from sqlite_schema where ${OF_INDEX.replaceAll('name', 'tbl_name')}`);
    // Makes other connections read the schema again.
    db.pragma(`schema_version = ${version + 1}`);
  } finally {
    db.pragma('writable_schema = reset');
    db.unsafeMode(false);
  }
}
