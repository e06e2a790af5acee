import type { DatabaseFacts } from '../model/error-facts.ts';
import type { Hints } from './hint.ts';

/** Advice for a damaged file, by the damaged part. */
export const CURES = {
  search_index:
    'Run "taskmirror sync" once with TASKMIRROR_SEARCH_INDEX=false, which drops the index: the next run builds it again.',
  database:
    'Stop the daemon, move the file away and run "taskmirror sync": it copies the list again. The journal in task_changes can be saved with sqlite3 FILE .recover.',
  server:
    "Look at the server's log and have its disk checked. An index can be built again: reindex index concurrently NAME.",
} as const;

/** The places in their order: the error does not know by which URL it was connected. */
const PASSWORD =
  'the URL of TASKMIRROR_DB, databasePassword (for queryDatabase: queryDatabasePassword), PGPASSWORD, a pgpass file';
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

  server_unreachable:
    'Check host and port, that the server runs and listens to this host (listen_addresses), and firewalls in between.',
  connection_lost: 'Run it again: the next run goes on where this one stopped.',
  server_starting: 'Try again in a moment.',
  tls_failed: ({ why }) => TLS_HINTS[why],
  login_refused: ({ why }) => LOGIN_HINTS[why],
  database_unknown:
    'Create it (createdb --owner=USER --encoding=UTF8 --template=template0 NAME), or correct the name in the URL.',
  permission_denied: ({ of }) => DENIED_HINTS[of ?? 'else'],
  server_read_only: 'Name the primary server, or a role that may write.',
  server_disk_full: 'Free some space on the server: the next run goes on where this one stopped.',
  too_many_connections:
    'Raise max_connections or the limit of the role, or put a pooler in front of the server.',
  statement_timeout: 'Try again, or raise statement_timeout and lock_timeout of the role.',
  transaction_conflict: 'Try again: other transactions changed the same rows.',
  server_damaged: "Look at the server's log: whoever runs it has to check its disk.",
  server_went_back: 'Run it again: the next run goes on from what the database holds.',
  server_unsuitable: ({ why }) => UNSUITABLE_HINTS[why],
  mirror_missing: 'Run "taskmirror sync" to make one, or check the database and the setting "schema".',
  mirror_newer: 'Update taskmirror on this machine, or use another schema.',
  mirror_outdated: 'Run "taskmirror sync" once: it brings the schema up to date.',
  copy_unfinished: ({ origin }) =>
    `Run "taskmirror copy" from ${origin ?? 'the same mirror'} again: it goes on where it stopped. Or delete what is there.`,
  postgres_failed: null,
};

const LOGIN_HINTS = {
  no_password: `Give it: it is looked for in ${PASSWORD}.`,
  not_admitted:
    'Whoever runs the server adds a line for this user, database and host to pg_hba.conf, and reloads it. If it says "no encryption", there may be one for TLS alone: ask for TLS with sslmode in the URL.',
  refused: `Check the user and the password. It is looked for in ${PASSWORD}.`,
} as const;

const DENIED_HINTS = {
  database:
    'A superuser can let it make the mirror: grant create on database NAME to ROLE. Or make the schema for it, in this database: create schema NAME authorization ROLE.',
  schema:
    'The schema belongs to another role: connect as that one. To let this one read, that one grants it: grant usage on schema NAME to ROLE; grant select on all tables in schema NAME to ROLE.',
  table:
    'The mirror belongs to another role, and only that one can write to it: connect as that one. To let this one read, that one grants it: grant select on all tables in schema NAME to ROLE.',
  else: 'Grant it to this role, or connect as another one.',
} as const;

/** Advice for a database in which no mirror can be made. */
export const UNSUITABLE_HINTS = {
  encoding: 'Make another one: createdb --owner=USER --encoding=UTF8 --template=template0 NAME.',
  version: 'Update the server: taskmirror is tested with PostgreSQL 15 and newer.',
} as const;

const TLS_HINTS = {
  not_offered: 'Switch TLS on at the server. On a network that you trust, sslmode=disable goes without.',
  issuer:
    "Name the file of the server's certificate authority in the URL: sslrootcert=FILE. A certificate that signed itself is its own: take the server's ssl_cert_file.",
  name: 'Connect to a host that the certificate names. To check only its authority: sslmode=verify-ca.',
  expired: 'Renew the certificate of the server, and check the clocks of both machines.',
  other: 'Check that both sides have a version of TLS in common, and sslmode in the URL.',
} as const;
