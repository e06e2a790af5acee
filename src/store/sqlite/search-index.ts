import type Database from 'better-sqlite3';
import { forgetSearchIndex } from './soundness.ts';

/** Rows indexed in one transaction: some tens of ms of work. */
const TASKS_AT_ONCE = 4_000;

/** `built_through` of a complete index: the largest possible rowid (sqlite.org/autoinc.html). */
const COMPLETE = '9223372036854775807';

const COLUMNS = 'message, system_prompt, error';
const OLD = 'old.message, old.system_prompt, old.error';
const NEW = 'new.message, new.system_prompt, new.error';
const BUILT_THROUGH = '(select built_through from search_state)';

/**
 * Table and triggers (sqlite.org/fts5.html, "External Content Tables"). The text itself stays in `tasks`.
 * unicode61 cuts and folds the words: stemming (porter) would hide words from prefix queries, and trigrams
 * take five times the space and the time. The message counts more than the error, and that more than a prompt
 * which many tasks share. A trigger ignores rows that the index has not reached yet or does not hold.
 */
const OBJECTS = [
  `create virtual table task_search using fts5 (
    ${COLUMNS}, content = 'tasks', content_rowid = 'rowid', tokenize = 'unicode61 remove_diacritics 2'
  )`,
  "insert into task_search (task_search, rank) values ('rank', 'bm25(4.0, 1.0, 2.0)')",

  `create trigger task_search_insert after insert on tasks
    when new.rowid <= ${BUILT_THROUGH}
  begin
    insert into task_search (rowid, ${COLUMNS}) values (new.rowid, ${NEW});
  end`,

  `create trigger task_search_update after update of ${COLUMNS} on tasks
    when (old.message is not new.message or old.system_prompt is not new.system_prompt or old.error is not new.error)
      and old.rowid <= ${BUILT_THROUGH}
  begin
    insert into task_search (task_search, rowid, ${COLUMNS}) values ('delete', old.rowid, ${OLD});
    insert into task_search (rowid, ${COLUMNS}) values (new.rowid, ${NEW});
  end`,

  `create trigger task_search_delete after delete on tasks
    when old.rowid <= ${BUILT_THROUGH}
  begin
    insert into task_search (task_search, rowid, ${COLUMNS}) values ('delete', old.rowid, ${OLD});
  end`,

  'insert into search_state (built_through) values (0)',
];

/** Whether the mirror has a full text index, and whether it holds every task. */
export type SearchIndexState = 'none' | 'building' | 'complete';

export function searchIndexState(db: Database.Database): SearchIndexState {
  const isComplete = db
    .prepare<[], number>(`select built_through = ${COMPLETE} from search_state`)
    .pluck()
    .get();
  if (isComplete === undefined) return 'none';
  return isComplete === 1 ? 'complete' : 'building';
}

/**
 * Thresholds for merging the index's segments (sqlite.org/fts5.html, "The 'automerge' Configuration Option"):
 * SQLite's own, and those of a build. A build without merges, which the next rows would undo, takes two
 * thirds of the time.
 */
const MERGES = { usual: { automerge: 4, crisismerge: 16 }, building: { automerge: 0, crisismerge: 64 } };

function setMerges(db: Database.Database, { automerge, crisismerge }: (typeof MERGES)['usual']): void {
  db.exec(`
    insert into task_search (task_search, rank) values ('automerge', ${automerge});
    insert into task_search (task_search, rank) values ('crisismerge', ${crisismerge});
  `);
}

/** Makes the index, still empty. Call inside a transaction, like the functions below. */
export function createSearchIndex(db: Database.Database): void {
  for (const statement of OBJECTS) db.exec(statement);
  setMerges(db, MERGES.building);
}

/** Indexes the next rows; if there are no more, the index is complete, and its triggers keep it so. */
export function growSearchIndex(db: Database.Database): void {
  const next = db
    .prepare<[number], { rows: number; through: number | null }>(
      `select count(*) as rows, max(rowid) as through
       from (select rowid from tasks where rowid > ${BUILT_THROUGH} order by rowid limit ?)`,
    )
    .get(TASKS_AT_ONCE);
  db.prepare<[number | null]>(
    `insert into task_search (rowid, ${COLUMNS})
     select rowid, ${COLUMNS} from tasks where rowid > ${BUILT_THROUGH} and rowid <= ?`,
  ).run(next?.through ?? null);
  const isLast = (next?.rows ?? 0) < TASKS_AT_ONCE;
  if (isLast) setMerges(db, MERGES.usual);
  db.exec(`update search_state set built_through = ${isLast ? COMPLETE : next?.through}`);
}

/** Leaves new rows to `growSearchIndex`: triggers would make a bulk load take nearly twice as long. */
export function pauseSearchIndex(db: Database.Database): void {
  db.exec(
    `update search_state set built_through = (select coalesce(max(rowid), 0) from tasks) where built_through = ${COMPLETE}`,
  );
}

/**
 * Drops the index if there is one; else writes nothing, hence `where true`. With `whole` false, because
 * {@link canDropSearchIndex} returned false before the transaction, it leaves the index's pages in the file,
 * unused.
 */
export function dropSearchIndex(db: Database.Database, { whole = true } = {}): void {
  db.exec(`
    drop trigger if exists task_search_insert;
    drop trigger if exists task_search_update;
    drop trigger if exists task_search_delete;
    delete from search_state where true;
  `);
  if (whole) db.exec('drop table if exists task_search');
  else forgetSearchIndex(db);
}
