import { type SearchRequest, searchTasks } from '../../reports/search.ts';
import { UsageError } from '../../model/errors.ts';
import { CommandLineError } from '../command-line-error.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { complain } from '../../platform/terminal.ts';
import type { CommandContext } from '../context.ts';
import type { Reportable } from '../../store/reportable.ts';
import { type Format, printRows } from '../../render/rows.ts';
import type { Table } from '../../store/queryable.ts';
import { columnsOf, counted, grouped, usesColor } from '../../render/text.ts';
import { writeAll } from '../../render/write.ts';
import { type PeriodFlags, parsePeriod } from '../arguments/period.ts';
import { searchText, TEXT_MARKS } from '../../render/views/search.ts';
import { wholeNumber } from '../arguments/whole-number.ts';

export interface SearchFlags extends PeriodFlags {
  raw?: true | undefined;
  status?: string | undefined;
  user?: string | undefined;
  /** As typed. */
  limit: string;
  format: Format;
}

type SearchContext = Pick<CommandContext, 'io' | 'clock' | 'settings' | 'signal' | 'openForReports'>;

const MOST_HITS = 1_000;

/**
 * `taskmirror search`: prints the tasks that contain these words, the best first. Throws UsageError,
 * DatabaseError.
 */
export async function search(
  context: SearchContext,
  words: readonly string[],
  flags: SearchFlags,
): Promise<ExitCode> {
  const request = requestOf(context, words, flags);
  const { io, signal } = context;
  const mirror = await context.openForReports();
  try {
    const warning = await checkProgress(mirror);
    const { columns, rows } = await hitsOf(mirror, request);
    if (warning !== null) complain(io.stderr, warning);
    if (flags.format !== 'table') {
      await printRows(io.stdout, { columns, batches: [rows] }, flags.format, { signal });
      return EXIT.done;
    }
    await writeAll(io.stdout, [searchText(rows, { color: usesColor(io), width: columnsOf(io.stdout) })]);
    if (rows.length === request.limit) {
      io.stderr.write(`There may be more: --limit takes up to ${grouped(MOST_HITS)}.\n`);
    }
    return EXIT.done;
  } finally {
    await mirror.close();
  }
}

function requestOf(
  { clock, settings }: SearchContext,
  words: readonly string[],
  flags: SearchFlags,
): SearchRequest {
  return {
    text: words.join(' '),
    raw: flags.raw === true,
    status: flags.status ?? null,
    user: flags.user ?? null,
    ...parsePeriod(flags, clock.now(), settings.timezone),
    limit: hitCount(flags.limit),
    marks: flags.format === 'table' ? TEXT_MARKS : ['[', ']'],
  };
}

function hitCount(text: string): number {
  const count = wholeNumber(text, MOST_HITS);
  if (count !== null) return count;
  throw new CommandLineError(`--limit takes a whole number from 1 to ${grouped(MOST_HITS)}`);
}

/**
 * Returns a warning about an incomplete index; null if it is complete. Throws UsageError if there is none.
 */
async function checkProgress(mirror: Reportable): Promise<string | null> {
  const progress = await mirror.searchProgress();
  if (progress === null) {
    throw new CommandLineError('this mirror has no search index', {
      hint:
        'A run builds it once the whole list is mirrored, unless the setting searchIndex is false: ' +
        'run "taskmirror sync". Until then, search with taskmirror query and LIKE.',
    });
  }
  const { built, tasks } = progress;
  if (built >= tasks) return null;
  return `the search index holds ${grouped(built)} of ${counted(tasks, 'task')} so far; the next sync continues`;
}

/** Reads all hits at once: an error in the query shows with the first, before anything is printed. */
async function hitsOf(mirror: Reportable, request: SearchRequest): Promise<Table> {
  try {
    return await searchTasks(mirror, request);
  } catch (error) {
    // SQLite's own error needs an explanation; a query refused before it ran explains itself.
    throw request.raw && error instanceof UsageError && error.cause !== undefined ? badQuery(error) : error;
  }
}

function badQuery({ cause }: UsageError): UsageError {
  const why = cause instanceof Error ? cause.message.replace(/^fts5: /, '') : 'it cannot be read';
  return new CommandLineError(`FTS5 does not understand this query: ${why}`, {
    hint:
      'Columns are message, system_prompt and error; words with more than letters and digits go in double quotes ' +
      '(sqlite.org/fts5.html, "Full-text Query Syntax"). Without --raw, words have no special syntax.',
    cause,
  });
}
