import Database from 'better-sqlite3';
import { DatabaseError } from '../../model/errors.ts';

/** Runs `work`; whatever SQLite says goes on as a DatabaseError that tells which file, and what to do. */
export function withFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explain(error, file);
  }
}

/** What to do about a damaged file. */
export const CURES = {
  searchIndex:
    'Run "taskmirror sync" once with TASKMIRROR_SEARCH_INDEX=false, which drops it: the next run makes it anew.',
  database:
    'Stop the daemon, move the file away and run "taskmirror sync": it copies the list anew. The journal in task_changes can be saved with sqlite3 FILE .recover.',
} as const;

/** The search index is damaged, and nothing else that was read. */
export function indexDamage(error: Error, file: string): DatabaseError {
  return new DatabaseError(`${file}: the search index is damaged; nothing was written`, {
    cause: error,
    hint: CURES.searchIndex,
  });
}

/** Whether FTS5 says that its tables are damaged. For some of that it has no code. */
export function isIndexDamage(error: { code: string; message: string }): boolean {
  return (
    error.code === 'SQLITE_CORRUPT_VTAB' ||
    /^(?:invalid fts5 file format|vtable constructor failed: task_search\b)/.test(error.message)
  );
}

/** An error of SQLite's as one that somebody can act on; any other error as it is. */
export function explain(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (isIndexDamage(error)) return indexDamage(error, file);
  const family = FAMILIES.find(([code]) => error.code === code || error.code.startsWith(`${code}_`));
  const [, what, hint] = family ?? ['', `SQLite says: ${error.message} (${error.code})`, ''];
  return new DatabaseError(`${file}: ${what}`, { cause: error, ...(hint === '' ? {} : { hint }) });
}

const DISK_FULL = [
  'the disk is full; the last step was rolled back and nothing else is lost',
  'Free some space: the next run goes on where this one stopped.',
] as const;

const FAMILIES: readonly (readonly [code: string, what: string, hint: string])[] = [
  ['SQLITE_FULL', ...DISK_FULL],
  // No room for the -shm file, the first that is made.
  ['SQLITE_IOERR_SHMSIZE', ...DISK_FULL],
  [
    'SQLITE_NOTADB',
    'this is not an SQLite database; nothing was written to it',
    'Give the mirror a file of its own with --db FILE or the setting "database".',
  ],
  [
    'SQLITE_CORRUPT',
    'the database is damaged; nothing was written to it',
    `Run "taskmirror doctor": it says whether it is only the search index, which can be made anew. If not: ${CURES.database}`,
  ],
  [
    'SQLITE_BUSY',
    'another program kept the database locked',
    'Close what has it open for writing (a GUI with an open transaction?) and try again.',
  ],
  [
    'SQLITE_READONLY',
    'the database cannot be written',
    'Check the permissions of the file and of its folder: SQLite also writes -wal and -shm beside it.',
  ],
  [
    'SQLITE_CANTOPEN',
    'the database cannot be opened',
    'Check the path and the permissions of the file and of its folder.',
  ],
  [
    // As in a container whose root is read-only (sqlite.org/tempfiles.html, section 5).
    'SQLITE_IOERR_GETTEMPPATH',
    'SQLite finds no folder for temporary files, which large indexes, sorts and full runs need',
    'Make /tmp a folder that can be written, or name another in the environment variable SQLITE_TMPDIR.',
  ],
  [
    'SQLITE_IOERR',
    'the disk failed to read or write',
    'Check whether a quota or a limit on the size of files (ulimit -f) is used up, then the disk itself; "taskmirror doctor" checks the file.',
  ],
];
