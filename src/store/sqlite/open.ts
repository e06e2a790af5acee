import Database from 'better-sqlite3';
import { explain } from './failure.ts';
import { assertFile, makePrivateFile, missingMirror, databasePath } from './file.ts';
import { inspect, SCHEMA_VERSION } from './identity.ts';
import { assertNode } from './node.ts';

/** SQLite's name for an empty database that is no file. */
export const IN_MEMORY = ':memory:';
/** Wait for another writer's lock, in ms: its transactions take a fraction of that. */
const BUSY_MS = 5_000;
/** Tries to switch a file to WAL while other processes open it as well. */
const WAL_TRIES = 20;
/**
 * Bytes of a page of a new file. A task takes about one KB, with all its columns: with SQLite's own 4,096 a first run
 * takes 6 % longer, most of it in calls to the system, and the file is 3 % larger; 16,384 gains nothing more.
 */
const PAGE_BYTES = 8_192;
/**
 * Pages of the WAL after which it is checkpointed: 128 MB. Ids are random, so a backfill writes the same pages of the
 * index over and over: with a quarter as many it writes a fifth more, with SQLite's own 1,000 it takes a sixth longer.
 * The end of every run that wrote checkpoints anyway.
 */
const CHECKPOINT_PAGES = 16_000;
/** The WAL is cut back to this many bytes at a checkpoint; without it, it keeps the size of its largest burst. */
const WAL_BYTES = CHECKPOINT_PAGES * PAGE_BYTES;
/**
 * Memory for pages of the file, for those of temporary tables, and for sorting an index, in KB. Four times of it made no
 * backfill faster that could be measured; better-sqlite3's own 16,000 make the peak of memory a third higher.
 */
const CACHE_KB = 2_000;

/**
 * Opens a mirror for writing and brings its schema up to date; with `create`, makes the file where there is none,
 * readable by its owner only (SQLite gives -wal and -shm the same mode).
 * Throws DatabaseError, having written nothing, where the file is missing, damaged, foreign or newer, and UsageError
 * where no database can have that name or Node is too old.
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
    // Only heeded before anything is in the file.
    if (identity.kind === 'empty') db.pragma(`page_size = ${PAGE_BYTES}`);
    switchToWal(db);
    db.pragma('synchronous = normal');
    db.pragma('foreign_keys = on');
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    // Temporary tables have a cache of their own: a full run's is as large as it may be.
    for (const schema of ['main', 'temp']) db.pragma(`${schema}.cache_size = -${CACHE_KB}`);
    db.pragma(`journal_size_limit = ${WAL_BYTES}`);
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

/** SQLite does not wait for the lock that this takes, but fails at once: it waits for the lock that a write takes. */
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
