import Database from 'better-sqlite3';
import { explain } from './failure.ts';
import { assertFile, makePrivateFile, missingMirror, databasePath } from './file.ts';
import { inspect, SCHEMA_VERSION } from './identity.ts';
import { assertNode } from './node.ts';

/** SQLite's name for an empty database in memory. */
export const IN_MEMORY = ':memory:';
/** Longest wait for another writer's lock, in ms: its transactions take a fraction of that. */
export const BUSY_MS = 5_000;
/** Most tries to switch a file to WAL while other processes open it too. */
const WAL_TRIES = 20;
/**
 * Bytes of a page of a new file. A task takes about one KB, with all its columns. With SQLite's own 4,096, a
 * first run takes 6 % longer, most of it in system calls, and the file is 3 % larger; 16,384 gains nothing
 * more.
 */
const PAGE_BYTES = 8_192;
/**
 * Pages of the WAL after which it is checkpointed: 128 MB. Ids are random, so a backfill writes the same
 * pages of the index again and again. With a quarter as many it writes a fifth more; with SQLite's own 1,000
 * it takes a sixth longer. The end of every run that wrote checkpoints anyway.
 */
const CHECKPOINT_PAGES = 16_000;
/** Bytes to which a checkpoint cuts the WAL back; else it would keep the size of its largest burst. */
const WAL_BYTES = CHECKPOINT_PAGES * PAGE_BYTES;
/**
 * Memory for pages of the file, for those of temporary tables, and for sorting an index, in KB. Four times as
 * much made no backfill measurably faster; better-sqlite3's own 16,000 make peak memory a third higher.
 */
const CACHE_KB = 2_000;

/**
 * Opens a mirror for writing and brings its schema up to date; with `create`, makes the file if there is
 * none, readable by its owner only (SQLite gives -wal and -shm the same mode). Throws DatabaseError, having
 * written nothing, if the file is missing, damaged, foreign or newer, and UsageError if no database can have
 * that name or Node is too old.
 */
export async function openDatabase(name: string, options: { create: boolean }): Promise<Database.Database> {
  assertNode();
  const file = name === IN_MEMORY ? name : databasePath(name);
  if (file !== IN_MEMORY) {
    if (options.create) makePrivateFile(file);
    assertFile(file);
  }
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { fileMustExist: file !== IN_MEMORY, timeout: BUSY_MS });
    const identity = inspect(db, file);
    if (identity.kind === 'empty' && !options.create) throw missingMirror(file);
    prepareToWrite(db, { isEmpty: identity.kind === 'empty' });
    if (identity.kind === 'empty' || identity.version < SCHEMA_VERSION) {
      const { migrate } = await import('./migrate.ts');
      await migrate(db);
    }
    return db;
  } catch (error) {
    db?.close();
    throw explain(error, file);
  }
}

/** @internal Sets a connection up as every writer needs it. */
export function prepareToWrite(db: Database.Database, { isEmpty }: { isEmpty: boolean }): void {
  // SQLite applies this only while the file is empty.
  if (isEmpty) db.pragma(`page_size = ${PAGE_BYTES}`);
  switchToWal(db);
  db.pragma('synchronous = normal');
  db.pragma('foreign_keys = on');
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  // Temporary tables have a cache of their own: a full run fills it.
  for (const schema of ['main', 'temp']) db.pragma(`${schema}.cache_size = -${CACHE_KB}`);
  db.pragma(`journal_size_limit = ${WAL_BYTES}`);
}

/**
 * Switches to WAL. SQLite does not wait for the lock that this takes, but fails at once; it does wait for a
 * write's lock.
 */
function switchToWal(db: Database.Database): void {
  for (let tries = 1; ; tries += 1) {
    try {
      db.pragma('journal_mode = wal');
      return;
    } catch (error) {
      const isBusy = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
      if (!isBusy || tries === WAL_TRIES) throw error;
      db.exec('begin immediate; rollback');
    }
  }
}
