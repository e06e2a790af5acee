import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { DatabaseError } from '../errors.ts';
import { explain } from './failure.ts';
import { inspect, SCHEMA_VERSION } from './identity.ts';

/** Wait for another writer's lock, in ms: its transactions are one page long. */
const BUSY_MS = 5_000;
/** The WAL is cut back to this many bytes at a checkpoint; without it, it keeps the size of its largest burst. */
const WAL_BYTES = 64 * 1024 * 1024;

/**
 * Opens a mirror for writing and brings its schema up to date; with `create`, makes the file where there is none,
 * readable by its owner only (SQLite gives -wal and -shm the same mode).
 * Throws DatabaseError, having written nothing, where the file is missing, damaged, foreign or newer.
 */
export async function openDatabase(file: string, options: { create: boolean }): Promise<Database.Database> {
  if (options.create) makePrivateFile(file);
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { fileMustExist: true, timeout: BUSY_MS });
    const identity = inspect(db, file);
    if (identity.kind === 'empty' && !options.create) throw missing(file);
    db.pragma('journal_mode = wal');
    db.pragma('synchronous = normal');
    db.pragma('foreign_keys = on');
    db.pragma(`journal_size_limit = ${WAL_BYTES}`);
    if (identity.kind === 'empty' || identity.version < SCHEMA_VERSION) {
      const { migrate } = await import('./migrate.ts');
      await migrate(db);
    }
    return db;
  } catch (error) {
    db?.close();
    if (
      error instanceof TypeError ||
      (error instanceof Database.SqliteError && error.code === 'SQLITE_CANTOPEN')
    ) {
      throw missing(file, error);
    }
    throw explain(error, file);
  }
}

function makePrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
    throw new DatabaseError(
      `${file} cannot be created: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: 'Check that its folder exists and can be written, or choose another file with --db FILE.',
        cause: error,
      },
    );
  }
}

function missing(file: string, cause?: unknown): DatabaseError {
  return new DatabaseError(`there is no mirror at ${file}`, {
    hint: 'Run "taskmirror sync" to make one, or name another file with --db FILE.',
    cause,
  });
}
