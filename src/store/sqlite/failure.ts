import Database from 'better-sqlite3';
import { DatabaseError } from '../../model/errors.ts';

/** Runs `work`; throws SQLite's errors as a DatabaseError that names the file. */
export function withFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explain(error, file);
  }
}

/** Returns the error for damage to the search index alone. */
export function indexDamage(error: Error, file: string): DatabaseError {
  return new DatabaseError(
    'search_index_damaged',
    { file },
    `${file}: the search index is damaged; nothing was written`,
    { cause: error },
  );
}

/** Returns whether FTS5 reports damage to its tables. For some damage it has no code. */
export function isIndexDamage(error: { code: string; message: string }): boolean {
  return (
    error.code === 'SQLITE_CORRUPT_VTAB' ||
    /^(?:invalid fts5 file format|vtable constructor failed: task_search\b)/.test(error.message)
  );
}

/** Turns an error of SQLite's into one that somebody can act on; returns any other error as it is. */
export function explain(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (isIndexDamage(error)) return indexDamage(error, file);
  const isOf = (family: string): boolean => error.code === family || error.code.startsWith(`${family}_`);
  const options = { cause: error };
  if (isOf('SQLITE_CORRUPT')) {
    const facts = { file, isChecked: false };
    const message = `${file}: the database is damaged; nothing was written to it`;
    return new DatabaseError('database_damaged', facts, message, options);
  }
  const [, code, what] = FAMILIES.find(([family]) => isOf(family)) ?? [];
  if (code !== undefined) return new DatabaseError(code, { file }, `${file}: ${what}`, options);
  const message = `${file}: SQLite says: ${error.message} (${error.code})`;
  return new DatabaseError('sqlite_failed', { file, sqlite: error.code }, message, options);
}

const DISK_FULL = [
  'disk_full',
  'the disk is full; the last step was rolled back and nothing else is lost',
] as const;

type Family =
  | 'disk_full'
  | 'disk_failed'
  | 'database_foreign'
  | 'database_locked'
  | 'database_not_writable'
  | 'database_not_openable'
  | 'no_temporary_folder';

const FAMILIES: readonly (readonly [family: string, code: Family, what: string])[] = [
  ['SQLITE_FULL', ...DISK_FULL],
  // No room for the -shm file, the first that SQLite makes.
  ['SQLITE_IOERR_SHMSIZE', ...DISK_FULL],
  ['SQLITE_NOTADB', 'database_foreign', 'this is not an SQLite database; nothing was written to it'],
  ['SQLITE_BUSY', 'database_locked', 'another program kept the database locked'],
  ['SQLITE_READONLY', 'database_not_writable', 'the database cannot be written'],
  ['SQLITE_CANTOPEN', 'database_not_openable', 'the database cannot be opened'],
  [
    // For example in a container whose root is read-only (sqlite.org/tempfiles.html, section 5).
    'SQLITE_IOERR_GETTEMPPATH',
    'no_temporary_folder',
    'SQLite finds no folder for temporary files, which large indexes, sorts and full runs need',
  ],
  ['SQLITE_IOERR', 'disk_failed', 'the disk failed to read or write'],
];
