import { type ErrorCode, TaskmirrorError } from '../model/errors.ts';
import type { SyncResult } from '../sync/sync.ts';

/** Exit codes of every command: a contract with scripts and cron jobs (docs/exit-codes.md). */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  partial: 3,
  keyRefused: 4,
  apiFailed: 5,
  differences: 6,
  removalBrake: 7,
  database: 10,
  locked: 11,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code of a command that an error with this code has ended. */
export const EXIT_OF_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  command_line: EXIT.usage,
  node_too_old: EXIT.usage,
  working_directory_gone: EXIT.usage,
  path_invalid: EXIT.usage,
  settings_invalid: EXIT.usage,
  no_source: EXIT.usage,
  database_url_invalid: EXIT.usage,
  base_url_invalid: EXIT.usage,
  key_unusable: EXIT.usage,
  key_malformed: EXIT.usage,
  time_zone_unknown: EXIT.usage,
  moment_invalid: EXIT.usage,
  period_empty: EXIT.usage,
  period_too_long: EXIT.usage,
  report_unknown: EXIT.usage,
  search_without_words: EXIT.usage,
  search_text_invalid: EXIT.usage,
  sql_refused: EXIT.usage,
  sql_failed: EXIT.usage,
  sql_parameters: EXIT.usage,
  sql_too_slow: EXIT.usage,
  column_of_two_types: EXIT.usage,
  database_name_invalid: EXIT.usage,
  output_not_creatable: EXIT.usage,
  output_not_a_file: EXIT.usage,
  output_is_mirror: EXIT.usage,
  option_invalid: EXIT.usage,
  mirror_closed: EXIT.usage,
  mirror_in_memory: EXIT.usage,
  column_repeated: EXIT.usage,
  parameter_unusable: EXIT.usage,
  source_unknown: EXIT.usage,
  source_exists: EXIT.usage,
  source_elsewhere: EXIT.usage,
  source_has_tasks: EXIT.usage,
  key_refused: EXIT.keyRefused,
  api_unreachable: EXIT.apiFailed,
  api_status: EXIT.apiFailed,
  api_bad_answer: EXIT.apiFailed,
  api_answer_too_large: EXIT.apiFailed,
  simulated_api_ended: EXIT.apiFailed,
  list_empty: EXIT.removalBrake,
  too_many_gone: EXIT.removalBrake,
  database_missing: EXIT.database,
  database_not_creatable: EXIT.database,
  database_not_a_file: EXIT.database,
  database_unreachable: EXIT.database,
  database_not_openable: EXIT.database,
  database_not_readable: EXIT.database,
  database_not_writable: EXIT.database,
  database_replaced: EXIT.database,
  database_foreign: EXIT.database,
  database_newer: EXIT.database,
  database_outdated: EXIT.database,
  database_locked: EXIT.database,
  database_damaged: EXIT.database,
  search_index_damaged: EXIT.database,
  disk_full: EXIT.database,
  disk_failed: EXIT.database,
  no_temporary_folder: EXIT.database,
  sqlite_failed: EXIT.database,
  server_unreachable: EXIT.database,
  connection_lost: EXIT.database,
  server_starting: EXIT.database,
  tls_failed: EXIT.database,
  login_refused: EXIT.database,
  database_unknown: EXIT.database,
  permission_denied: EXIT.database,
  server_read_only: EXIT.database,
  server_disk_full: EXIT.database,
  too_many_connections: EXIT.database,
  statement_timeout: EXIT.database,
  transaction_conflict: EXIT.database,
  server_damaged: EXIT.database,
  server_went_back: EXIT.database,
  mirror_missing: EXIT.database,
  mirror_newer: EXIT.database,
  mirror_outdated: EXIT.database,
  postgres_failed: EXIT.database,
  output_disk_full: EXIT.database,
  output_failed: EXIT.database,
  stdout_failed: EXIT.database,
  lease_held: EXIT.locked,
  lease_lost: EXIT.locked,
  interrupted: EXIT.interrupted,
};

/** Returns the exit code for any failure. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof TaskmirrorError ? EXIT_OF_ERROR[(error as TaskmirrorError).code] : EXIT.unexpected;
}

/** Returns the exit code for one run alone. */
export function exitCodeOfRun({ report, failure }: Pick<SyncResult, 'report' | 'failure'>): ExitCode {
  if (failure !== null) return exitCodeOf(failure);
  return report.outcome === 'partial' ? EXIT.partial : EXIT.done;
}
