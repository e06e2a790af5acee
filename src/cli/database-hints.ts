import type { DatabaseFacts } from '../model/error-facts.ts';
import type { Hints } from './hint.ts';

/** Advice for a damaged file, by the damaged part. */
export const CURES = {
  search_index:
    'Run "taskmirror sync" once with TASKMIRROR_SEARCH_INDEX=false, which drops the index: the next run builds it again.',
  database:
    'Stop the daemon, move the file away and run "taskmirror sync": it copies the list again. The journal in task_changes can be saved with sqlite3 FILE .recover.',
} as const;

const OWN_FILE = 'Give the mirror its own file with --db FILE or the setting "database".';

/** Advice for a database that cannot be used. */
export const DATABASE_HINTS: Hints<keyof DatabaseFacts> = {
  database_missing: 'Run "taskmirror sync" to create one, or name another file with --db FILE.',
  database_not_creatable:
    'Check that its folder exists and can be written, or choose another file with --db FILE.',
  database_not_a_file: 'Name the database file itself with --db FILE.',
  database_unreachable: 'Check the path and the permissions of its folders.',
  database_not_openable: 'Check the path and the permissions of the file and of its folder.',
  database_not_readable:
    'Check that you may read it and its -wal and -shm files. If those are missing, SQLite creates them even to ' +
    'read (sqlite.org/wal.html): let it write to the folder, or read a copy made by "taskmirror snapshot".',
  database_not_writable:
    'Check the permissions of the file and of its folder: SQLite also writes -wal and -shm beside it.',
  database_replaced: 'Restart this process: it then uses the file of this name, or creates one.',
  database_foreign: OWN_FILE,
  database_newer: 'Update taskmirror, or use another file with --db FILE.',
  database_outdated: 'Run a plain "taskmirror sync" once: it brings the file up to date first.',
  database_locked:
    'Close the program that has it open for writing (a GUI with an open transaction?), then try again.',
  database_damaged: ({ isChecked }) =>
    isChecked
      ? CURES.database
      : `Run "taskmirror doctor": it reports whether only the search index is damaged, which can be built again. If not: ${CURES.database}`,
  search_index_damaged: CURES.search_index,
  disk_full: 'Free some space: the next run continues where this one stopped.',
  disk_failed:
    'Check whether a quota or a limit on file sizes (ulimit -f) is reached, then check the disk itself; "taskmirror doctor" checks the file.',
  no_temporary_folder:
    'Make /tmp writable, or name another folder in the environment variable SQLITE_TMPDIR.',
  sqlite_failed: null,
};
