import { DEFAULT_FILE } from '../config/settings-file.ts';
import type {
  InterruptionFacts,
  LeaseFacts,
  OutputFacts,
  SafetyFacts,
  UsageFacts,
} from '../model/error-facts.ts';
import { type ErrorCode, TaskmirrorError } from '../model/errors.ts';
import { API_HINTS } from './api-hints.ts';
import { CommandLineError } from './command-line-error.ts';
import { DATABASE_HINTS } from './database-hints.ts';
import type { Hint, Hints } from './hint.ts';

const USAGE_HINTS: Hints<keyof UsageFacts> = {
  command_line: null,
  node_too_old: null,
  working_directory_gone: 'Change to an existing folder, or use absolute paths.',
  path_invalid: null,

  settings_invalid: 'Correct them, then run "taskmirror config check".',
  no_source: `Set the environment variable SIGMIC_API_KEY to an API key, or name sources in ${DEFAULT_FILE} (see config.example.json).`,
  database_url_invalid: null,
  base_url_invalid: null,
  key_unusable: ({ source, kind, place }) => {
    if (kind === 'env') return `Set ${place} to the API key, or change apiKey of source "${source}".`;
    if (kind === 'file') return 'Write the key into that file, alone on one line.';
    return 'Run the command by hand: it has to print the key, alone on one line, and exit with 0.';
  },
  hook_secret_unusable: ({ hook, kind, place }) => {
    if (kind === 'env') return `Set ${place} to the secret, or change secret of hook "${hook}".`;
    if (kind === 'file') return 'Write the secret into that file, alone on one line: whsec_ and base64.';
    return 'Run the command by hand: it has to print the secret, alone on one line, and exit with 0.';
  },
  hook_unknown: ({ known }) =>
    known.length === 0 ? 'The settings have no hook: see docs/feed.md.' : `Hooks: ${known.join(', ')}.`,
  password_unusable: ({ setting, kind, place }) => {
    if (kind === 'env') return `Set ${place} to the password, or change ${setting}.`;
    if (kind === 'file') return 'Write the password into that file, alone on one line.';
    return 'Run the command by hand: it has to print the password, alone on one line, and exit with 0.';
  },
  certificate_unusable: 'Name a file of certificates in PEM form, as sslrootcert in the URL of the database.',
  key_malformed: ({ origin }) => `Put only the key into ${origin}, on one line.`,

  time_zone_unknown: 'Use an IANA name such as Europe/Berlin or UTC.',
  moment_invalid:
    'Write 12h, 30d or 2w (that long ago), a day like 2026-01-01, or a time like 2026-01-01T10:00:00Z.',
  period_empty: 'Give --since an earlier time than --until.',
  period_too_long:
    'Choose a shorter period with --since and --until. Without them it runs from the first task to the last, ' +
    'and one of those may have a wrong date.',
  cursor_ahead:
    'The number is of another mirror, or of this one before it was made anew or restored. Begin again with --since start.',
  report_unknown: ({ known }) => `Reports: ${known.join(', ')}.`,
  search_without_words:
    'Words consist of letters and digits. To find other characters, use taskmirror query and LIKE.',
  search_text_invalid: null,
  search_query_invalid:
    'Operators are &, |, ! and <->, as in "deploy:* & !production"; db_pool.ts is db <-> pool <-> ts ' +
    '(postgresql.org/docs/current/datatype-textsearch.html, "tsquery"). Without --raw nothing in a word has a meaning of its own.',

  sql_refused: ({ engine }) =>
    'Only one read-only SELECT, WITH, VALUES or EXPLAIN statement is accepted. ' +
    (engine === 'sqlite'
      ? "Pragmas can be read as tables: select * from pragma_table_info('tasks')."
      : "For the columns of a table: select * from information_schema.columns where table_name = 'tasks'."),
  sql_failed: ({ tables, columns, isOfSqlite }) => {
    if (isOfSqlite) return 'This is SQL of SQLite: "SQL" in docs/postgresql.md has the same for PostgreSQL.';
    if (tables.length > 0) return `Tables and views: ${tables.join(', ')}.`;
    const lists = Object.entries(columns).map(
      ([table, names]) => `${table} has the columns ${names.join(', ')}.`,
    );
    return lists.length === 0 ? null : lists.join(' ');
  },
  sql_parameters:
    'Name each parameter, as in :since, and give it a value: with "taskmirror query", --param since=2026-01-01.',
  sql_too_slow: 'What was printed until then is not the whole result. Narrow the query or raise --timeout.',
  column_of_two_types: ({ column }) =>
    `Parquet has one type per column. Cast it to text: --query "select cast(${column} as text) as ${column}, ...".`,

  database_name_invalid: "SQLite's driver would drop it and open another file. Use a name without it.",
  output_not_creatable: 'Check that its folder exists and that you may write to it, or name another file.',
  output_not_a_file: 'Name a file.',
  output_is_mirror: 'Name another file.',

  option_invalid: null,
  mirror_closed: null,
  mirror_in_memory: null,
  column_repeated: null,
  parameter_unusable: null,

  source_unknown: ({ known }) =>
    known.length === 0 ? 'The mirror has no source yet.' : `The mirror has ${known.join(', ')}.`,
  source_exists: ({ source }) =>
    `Choose a name that is not in use. If "${source}" shows the same tasks, forget the ` +
    'old source: "taskmirror source forget" hands its tasks over.',
  source_elsewhere: ({ source, given }) =>
    'Give the other API its own source name or its own database. If it is the same list under a new address: ' +
    `taskmirror source move ${source} ${given}`,
  source_has_tasks: ({ source }) =>
    `With --yes, tasks that another source also shows are handed over to it, and the rest are marked as removed: ` +
    `taskmirror source forget ${source} --yes`,

  copy_target_taken: ({ why }) =>
    why === 'mirror'
      ? 'Name another file, database or schema. A copy never goes into a mirror, however empty.'
      : 'Name another file, database or schema, or delete what was begun there.',
};

const SAFETY_HINTS: Hints<keyof SafetyFacts> = {
  list_empty:
    'Check that the key is the one whose tasks are mirrored here. If the list really is empty: taskmirror sync --full --allow-removals.',
  too_many_gone:
    'Check that the key and the base URL are the right ones. If the tasks really are gone: taskmirror sync --full --allow-removals.',
};

const OUTPUT_HINTS: Hints<keyof OutputFacts> = {
  output_disk_full: 'Free some space, or name a file on another disk.',
  output_failed: 'Check the disk, and whether a limit on file sizes (ulimit -f) is reached.',
  stdout_failed: 'Check whether the disk that it is written to is full.',
};

const LEASE_HINTS: Hints<keyof LeaseFacts> = {
  lease_held: 'Wait until it ends. The lease of a dead process is taken over automatically.',
  lease_lost:
    'This process was suspended for 48 seconds or more. It wrote nothing; the other process continues.',
  copy_taken_over: 'Nothing was written since. Let the other process finish.',
};

const INTERRUPTION_HINTS: Hints<keyof InterruptionFacts> = { interrupted: null };

/** Advice for each error, by its code. */
const HINTS: Hints<ErrorCode> = {
  ...USAGE_HINTS,
  ...API_HINTS,
  ...SAFETY_HINTS,
  ...DATABASE_HINTS,
  ...OUTPUT_HINTS,
  ...LEASE_HINTS,
  ...INTERRUPTION_HINTS,
};

/** Returns advice for a person at a command line; undefined if there is none. */
export function hintOf(error: unknown): string | undefined {
  if (error instanceof CommandLineError) return error.hint;
  return error instanceof TaskmirrorError ? (hintFor(error as TaskmirrorError) ?? undefined) : undefined;
}

function hintFor<C extends ErrorCode>({ code, facts }: TaskmirrorError<C>): string | null {
  const hint: Hint<C> = HINTS[code];
  return typeof hint === 'function' ? hint(facts) : hint;
}
