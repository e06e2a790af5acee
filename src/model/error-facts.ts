/**
 * The facts of errors, by code. Codes and facts are a contract (docs/exit-codes.md): facts are only added.
 */

type None = Readonly<Record<string, never>>;

interface OfFile {
  /** The path of the file. */
  file: string;
}

interface OfServer {
  /** The server and the database in it: `user@host:port/database`. */
  server: string;
}

/** Facts of errors that the caller has to correct. */
export interface UsageFacts {
  /** An invalid command line; only the command line itself throws it. */
  command_line: None;
  node_too_old: { version: string; oldest: string };
  working_directory_gone: { path: string };
  path_invalid: { path: string };

  settings_invalid: { problems: number };
  no_source: None;
  /** `why`: the part at fault. */
  database_url_invalid: {
    why: 'form' | 'user' | 'host' | 'hosts' | 'port' | 'database' | 'parameter' | 'sslmode';
  };
  base_url_invalid: { why: 'not_absolute' | 'not_https' | 'credentials' | 'query' };
  /**
   * The place that the settings name has no key. `place`: the variable or the file; null for a command, which
   * may hold secrets.
   */
  key_unusable: { source: string; kind: 'env' | 'file' | 'command'; place: string | null };
  /** The place that the settings name has no secret for a hook. `place`: as for a key. */
  hook_secret_unusable: { hook: string; kind: 'env' | 'file' | 'command'; place: string | null };
  hook_unknown: { hook: string; known: readonly string[] };
  /** The place that the settings name has no password for the database. `place`: as for a key. */
  password_unusable: { setting: string; kind: 'env' | 'file' | 'command'; place: string | null };
  /** The file of certificate authorities in the URL of the database. */
  certificate_unusable: OfFile;
  /** The key cannot be part of a header. `origin`: where it is kept, in words. */
  key_malformed: { source: string; origin: string };

  time_zone_unknown: { timezone: string };
  moment_invalid: { text: string };
  /** Both are UTC text. */
  period_empty: { since: string; until: string };
  period_too_long: { from: string; until: string; unit: 'day' | 'hour' };
  /** The number to go on from, and the one of the mirror's last change. */
  cursor_ahead: { since: number; head: number };
  report_unknown: { report: string; known: readonly string[] };
  search_without_words: None;
  search_text_invalid: { length: number; most: number };
  /** A raw query that the database's own language has not. */
  search_query_invalid: { language: 'tsquery' };

  sql_refused: { engine: 'sqlite' | 'postgres' };
  /**
   * `tables`: all, if SQL names an unknown one; `columns`: of the tables it names, if it names an unknown
   * column. `isOfSqlite`: it has a function or a comparison that only SQLite has, and the mirror is elsewhere.
   */
  sql_failed: {
    tables: readonly string[];
    columns: Readonly<Record<string, readonly string[]>>;
    isOfSqlite: boolean;
  };
  sql_parameters: None;
  /** The limit that the caller has set, in ms. */
  sql_too_slow: { limitMs: number };
  column_of_two_types: { column: string };

  database_name_invalid: OfFile;
  output_not_creatable: OfFile;
  output_not_a_file: OfFile;
  output_is_mirror: OfFile;

  /** Errors of the library. */
  option_invalid: { option: string };
  mirror_closed: None;
  mirror_in_memory: None;
  column_repeated: { column: string };
  parameter_unusable: { parameter: string };

  source_unknown: { source: string; known: readonly string[] };
  source_exists: { source: string };
  /** `known`: the base URL of the mirror; `given`: that of the settings. */
  source_elsewhere: { source: string; known: string; given: string };
  source_has_tasks: { source: string; live: number };

  /**
   * A copy needs a place without a mirror, or its own unfinished one. `other_copy`: that of another `origin`;
   * `other_version`: another version of the program began it.
   */
  copy_target_taken: {
    target: string;
    why: 'mirror' | 'other_copy' | 'other_version';
    origin: string | null;
  };
}

/** The API itself refused a key. `keyOrigin`: where it is kept, in words. */
export interface KeyFacts {
  key_refused: { source: string; baseUrl: string; keyOrigin: string };
}

/** A request that failed after all its retries. */
export interface RequestFacts {
  source: string;
  baseUrl: string;
  /** Where the key is kept, in words. */
  keyOrigin: string;
  path: string;
  attempts: number;
  /** Time in ms that the API asked to wait; null if it did not ask. */
  retryAfterMs: number | null;
}

/** The API could not be reached, or its answer made no sense. */
export interface ApiFacts {
  /**
   * `network`: may pass; `setup`: no retry helps (certificate, base URL); `timeout`: no whole answer in time.
   */
  api_unreachable: RequestFacts & { why: 'network' | 'setup' | 'timeout' | 'proxy' | 'proxy_login' };
  /**
   * `status`: the HTTP status, or the status of the API's own error code; `isApi`: the API itself gave it.
   */
  api_status: RequestFacts & { status: number; isApi: boolean };
  api_bad_answer: RequestFacts & { why: 'body' | 'encoding' };
  api_answer_too_large: RequestFacts & { maxBytes: number };
  simulated_api_ended: { why: 'timeout' | 'ended' };
}

/** Continuing might lose data. `live`: the live tasks of the source in the mirror. */
export interface SafetyFacts {
  list_empty: { live: number };
  /** `share`: the part of the live tasks that one run may remove. */
  too_many_gone: { gone: number; live: number; share: number };
}

/** The mirror's file, or its server, cannot be used. */
export interface DatabaseFacts {
  database_missing: OfFile;
  database_not_creatable: OfFile;
  database_not_a_file: OfFile;
  /** The path itself cannot be examined. */
  database_unreachable: OfFile;
  /** The file exists, but SQLite cannot open it. */
  database_not_openable: OfFile;
  database_not_readable: OfFile;
  database_not_writable: OfFile;
  /** The path now has another file, or none: only a new process can continue. */
  database_replaced: OfFile;
  database_foreign: OfFile;
  database_newer: OfFile & { schema: number; known: number };
  /** `schema`: 0 for an empty file. */
  database_outdated: OfFile & { schema: number; known: number };
  database_locked: OfFile;
  /** `isChecked`: the whole file was checked, and more than the search index is damaged. */
  database_damaged: OfFile & { isChecked: boolean };
  search_index_damaged: OfFile;
  disk_full: OfFile;
  disk_failed: OfFile;
  no_temporary_folder: OfFile;
  /** `sqlite`: SQLite's own code. */
  sqlite_failed: OfFile & { sqlite: string };

  /** No connection: nobody listens, no such host, no answer in time, or something else answers. */
  server_unreachable: OfServer;
  /** What was committed stays. Whether the last statement was is open. */
  connection_lost: OfServer;
  /** The server is starting up, recovering or shutting down. */
  server_starting: OfServer;
  /** `not_offered`: the server has no TLS; `issuer`: nobody trusted has signed its certificate. */
  tls_failed: OfServer & { why: 'not_offered' | 'issuer' | 'name' | 'expired' | 'other' };
  /** `no_password`: the server asked for one, and there is none; `not_admitted`: by its pg_hba.conf. */
  login_refused: OfServer & { why: 'no_password' | 'not_admitted' | 'refused' };
  database_unknown: OfServer;
  /** `of`: what the role may not use, if the server says so in English; null: something else. */
  permission_denied: OfServer & { of: 'database' | 'schema' | 'table' | null };
  /** A standby, or a role or database that is set to read only. */
  server_read_only: OfServer;
  server_disk_full: OfServer;
  too_many_connections: OfServer;
  /** A time limit of the server's or of our own, or somebody who cancelled the statement. */
  statement_timeout: OfServer;
  /** Other transactions were in the way; nothing was written, and the same may succeed now. */
  transaction_conflict: OfServer;
  server_damaged: OfServer;
  /**
   * The database has other writes of this run than the run knows of (`expected`, `found`): a failover lost
   * commits, or one went through whose answer was lost. Nothing was written.
   */
  server_went_back: OfServer & { expected: number; found: number };
  /** A new mirror cannot be made here: the database has another encoding than UTF8, or the server is too old. */
  server_unsuitable: OfServer & { why: 'encoding' | 'version' };
  /** The schema holds no mirror. */
  mirror_missing: OfServer & { schema: string };
  /** `version`: of the mirror in that schema; `known`: what this program writes. */
  mirror_newer: OfServer & { schema: string; version: number; known: number };
  mirror_outdated: OfServer & { schema: string; version: number; known: number };
  /** `place`: the file, or the server and the schema. `origin`: null if it is not noted yet. */
  copy_unfinished: { place: string; origin: string | null };
  /** `sqlstate`: PostgreSQL's own code. */
  postgres_failed: OfServer & { sqlstate: string };
}

/** The file or stream for results takes no more. */
export interface OutputFacts {
  output_disk_full: OfFile;
  output_failed: OfFile;
  stdout_failed: None;
}

/** Another process holds the source's lease. */
export interface LeaseFacts {
  /** `since`: UTC text. */
  lease_held: { source: string; pid: number; host: string | null; since: string };
  lease_lost: { source: string };
  /** Another process goes on with the copy in `target`. */
  copy_taken_over: { target: string };
}

/** Somebody asked the program to stop. */
export interface InterruptionFacts {
  interrupted: None;
}
