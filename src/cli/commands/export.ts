import { extname } from 'node:path';
import { parseMoment } from '../../reports/moment.ts';
import { absolutePath, assertPath } from '../../platform/paths.ts';
import { CommandLineError } from '../command-line-error.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Output } from '../../platform/terminal.ts';
import type { CommandContext } from '../context.ts';
import type { Engine } from '../engines/engine.ts';
import type { Batch, Queried, SqlParameters } from '../../store/queryable.ts';
import { EXPORT_FORMATS, type ExportFormat } from '../../render/rows.ts';
import { csvLines, jsonLines } from '../../render/formats/encode.ts';
import { formatted } from '../../render/formats/format.ts';
import { counted, printable } from '../../render/text.ts';
import { assertNotMirror, writeWhole } from '../../platform/whole-file.ts';
import { chunks, type Piece, type Pieces, writeAll, writeData } from '../../render/write.ts';
import { assertParameters, parseParameters } from './query/parameters.ts';

export interface ExportFlags {
  /** A table or view; `tasks` if neither it nor a query is given. */
  what?: string | undefined;
  query?: string | undefined;
  /** A `NAME=VALUE` for each parameter of the query. */
  param?: readonly string[] | undefined;
  /** Leaves out rows that the mirror has not touched since: `30d`, `2026-01-01`. */
  since?: string | undefined;
  format?: ExportFormat | undefined;
  /** The file to create or replace; stdout if there is none, or `-`. */
  output?: string | undefined;
  escapeFormulas?: boolean | undefined;
}

export interface ExportContext extends Pick<
  CommandContext,
  'io' | 'settings' | 'clock' | 'signal' | 'openForQuery'
> {
  engine: Pick<Engine, 'file'>;
}

/**
 * SQL for the time of the mirror's last write to a row. `--since` uses it, so that repeated exports miss no
 * change.
 */
const TOUCHED: ReadonlyMap<string, string> = new Map([
  ['tasks', 'changed_at'],
  ['task_changes', 'observed_at'],
  ['sync_runs', 'coalesce(finished_at, started_at)'],
  ['rejected_rows', 'last_rejected_at'],
]);

/**
 * `taskmirror export`: writes a table, a view or a query's result, in its state when the first row is read.
 */
export async function exportRows(context: ExportContext, given: ExportFlags): Promise<ExitCode> {
  const { io, signal } = context;
  const flags = { ...given, output: prints(given) ? undefined : given.output };
  const { sql, parameters } = statementFor(context, flags);
  const format = formatFor(io.stdout, flags);
  const file = flags.output === undefined ? null : fileFor(flags.output, context);
  const mirror = await context.openForQuery();
  try {
    assertParameters(await mirror.parametersOf(sql), parameters);
    const { result, count } = counting(await mirror.run(sql, parameters));
    const pieces = await encoded(result, format, flags.escapeFormulas === true);
    if (file === null) {
      await writeData(io.stdout, pieces, signal);
    } else {
      const bytes = await writeFile(file, pieces, signal);
      await writeAll(io.stdout, [
        `${printable(flags.output ?? '')}: ${counted(count.rows, 'row')}, ${counted(bytes, 'byte')}\n`,
      ]);
    }
  } finally {
    await mirror.close();
  }
  return EXIT.done;
}

/** Returns whether the rows go to stdout. */
export function prints({ output }: ExportFlags): boolean {
  return output === undefined || output === '-';
}

function fileFor(output: string, { io, engine }: ExportContext): string {
  assertPath('--output', output);
  const file = absolutePath(io.cwd, output);
  if (engine.file !== null) assertNotMirror(file, engine.file);
  return file;
}

function statementFor(
  { clock, settings }: ExportContext,
  { what, query, param, since }: ExportFlags,
): { sql: string; parameters: SqlParameters } {
  if (query !== undefined) {
    if (what === undefined && since === undefined) {
      return { sql: query, parameters: parseParameters(param ?? []) };
    }
    throw new CommandLineError('--query cannot be combined with a table name or --since', {
      hint: 'Leave out the name and --since: the statement can have a WHERE.',
    });
  }
  if (param !== undefined) {
    throw new CommandLineError('--param is for the parameters of a --query', {
      hint: 'Add --query, or leave out --param.',
    });
  }
  const table = what ?? 'tasks';
  const rows = `select * from "${table.replaceAll('"', '""')}"`;
  if (since === undefined) return { sql: rows, parameters: {} };
  const touched = TOUCHED.get(table);
  if (touched === undefined) {
    throw new CommandLineError(`--since cannot be used with ${table}`, {
      hint: `It works with ${[...TOUCHED.keys()].join(', ')}. For others give a --query with a WHERE.`,
    });
  }
  return {
    sql: `${rows} where ${touched} >= :since`,
    parameters: { since: parseMoment(since, clock.now(), settings.timezone) },
  };
}

function formatFor(stdout: Output, { format, output, escapeFormulas }: ExportFlags): ExportFormat {
  const chosen = format ?? (output === undefined ? 'csv' : formatOf(output));
  if (escapeFormulas === true && chosen !== 'csv') {
    throw new CommandLineError('--escape-formulas is for csv', {
      hint: 'No spreadsheet reads formulas from other formats.',
    });
  }
  if (chosen === 'parquet' && output === undefined && stdout.isTTY === true) {
    throw new CommandLineError('refusing to write Parquet to a terminal', {
      hint: 'Name a file: --output FILE.',
    });
  }
  return chosen;
}

function formatOf(output: string): ExportFormat {
  const extension = extname(output).slice(1).toLowerCase();
  const found = EXPORT_FORMATS.find((name) => name === extension);
  if (found !== undefined) return found;
  throw new CommandLineError(`the name ${output} does not end in a known format`, {
    hint: `Give --format ${EXPORT_FORMATS.join('|')}, or a name that ends in one of these.`,
  });
}

async function encoded(
  result: Queried,
  format: ExportFormat,
  escapeFormulas: boolean,
): Promise<AsyncIterable<Piece>> {
  if (format === 'csv') return formatted(csvLines(result.columns, { escapeFormulas }), result);
  if (format === 'jsonl') return formatted(jsonLines(result.columns), result);
  const { parquetPieces } = await import('../../render/formats/parquet.ts');
  return parquetPieces(result);
}

/** Returns the same result, and a count of the rows read so far. */
function counting(result: Queried): { result: Queried; count: { rows: number } } {
  const count = { rows: 0 };
  async function* batches(): AsyncGenerator<Batch> {
    for await (const batch of result.batches) {
      count.rows += batch.length;
      yield batch;
    }
  }
  return { result: { ...result, batches: batches() }, count };
}

/** Writes the file and returns its size in bytes. */
async function writeFile(file: string, pieces: Pieces, signal: AbortSignal): Promise<number> {
  return writeWhole(file, async (handle) => {
    for await (const chunk of chunks(pieces)) {
      signal.throwIfAborted();
      await handle.writeFile(chunk);
    }
    signal.throwIfAborted();
    return (await handle.stat()).size;
  });
}
