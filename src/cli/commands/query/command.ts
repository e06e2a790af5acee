import { CommandLineError } from '../../command-line-error.ts';
import { EXIT, type ExitCode } from '../../exit.ts';
import type { CommandContext } from '../../context.ts';
import { parseDuration } from '../../arguments/duration.ts';
import { printRows, type Format } from '../../../render/rows.ts';
import { usesColor } from '../../../render/text.ts';
import { query } from './query.ts';
import { runLimited, type ProgramCommand } from './child.ts';
import { parseMaxRows } from './limits.ts';
import { parseParameters } from './parameters.ts';
import { listSaved } from './saved.ts';
import { readStatement, type Stdin } from './statement.ts';

/** The flags of `taskmirror query`, as typed. */
export interface QueryFlags {
  config?: string;
  format: Format;
  json?: true;
  file?: string;
  param?: string[];
  maxRows?: string;
  timeout?: string;
  escapeFormulas?: true;
}

/** The parts of the process that `taskmirror query` needs. */
export interface QueryProcess {
  stdin: () => Stdin;
  program: ProgramCommand;
  /** Makes a signal end the process at once, even inside SQLite. */
  useDefaultSignals: () => void;
}

/**
 * `taskmirror query`: finds the SQL, and runs it here, or with --timeout in its own process; `@` alone lists
 * the saved queries. Throws UsageError for invalid flags, and the errors of {@link query}.
 */
export async function queryCommand(
  context: CommandContext,
  argument: string | undefined,
  flags: QueryFlags,
  { stdin, program, useDefaultSignals }: QueryProcess,
): Promise<ExitCode> {
  const { io, settings, signal, clock } = context;
  const options = optionsOf(flags);
  const limitMs = flags.timeout === undefined ? undefined : parseDuration('--timeout', flags.timeout, '24h');
  if (argument === '@') {
    const { columns, rows } = listSaved(settings.queriesFolder);
    await printRows(io.stdout, { columns, batches: [rows] }, options.format, {
      color: usesColor(io),
      signal,
    });
    return EXIT.done;
  }
  const { cwd, env } = io;
  const { queriesFolder } = settings;
  const sql = await readStatement({ argument, file: flags.file, stdin, cwd, queriesFolder, signal });
  if (limitMs !== undefined && !context.engine.stopsQueries) {
    const args = argumentsOf(flags, settings.database, options.format);
    return runLimited({ program, args, input: sql, limitMs, clock, signal, cwd, env });
  }
  useDefaultSignals();
  return query(context, sql, { ...options, timeoutMs: limitMs });
}

function optionsOf(flags: QueryFlags) {
  const format: Format = flags.json === true ? 'json' : flags.format;
  const escapeFormulas = flags.escapeFormulas === true;
  if (escapeFormulas && format !== 'csv') {
    throw new CommandLineError('--escape-formulas is for spreadsheets, and they read CSV', {
      hint: 'Add --format csv.',
    });
  }
  return {
    format,
    escapeFormulas,
    parameters: parseParameters(flags.param ?? []),
    maxRows: flags.maxRows === undefined ? undefined : parseMaxRows(flags.maxRows),
  };
}

/** Returns the same command for a process that gets its SQL on stdin and has no time limit itself. */
function argumentsOf(flags: QueryFlags, database: string, format: Format): string[] {
  return [
    'query',
    `--db=${database}`,
    ...(flags.config === undefined ? [] : [`--config=${flags.config}`]),
    `--format=${format}`,
    ...(flags.param ?? []).map((assignment) => `--param=${assignment}`),
    ...(flags.maxRows === undefined ? [] : [`--max-rows=${flags.maxRows}`]),
    ...(flags.escapeFormulas === true ? ['--escape-formulas'] : []),
    '-',
  ];
}
