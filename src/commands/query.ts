import { EXIT } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import { complain } from '../terminal.ts';
import type { CommandContext, SqlParameters } from './context.ts';
import { printRows } from './output.ts';
import type { Format } from './output.ts';
import { counted, usesColor } from './output/text.ts';
import { limitRows } from './query/limits.ts';
import { assertParameters } from './query/parameters.ts';

export interface QueryOptions {
  format: Format;
  /** A value for each of the statement's parameters, and no others. */
  parameters?: SqlParameters;
  /** Prints no more rows than that, and says on stderr where there were more. */
  maxRows?: number | undefined;
  /** In CSV, keeps spreadsheets from taking text for a formula. */
  escapeFormulas?: boolean;
}

/** Runs one statement and prints its rows as they come. Throws UsageError for SQL that is refused or wrong. */
export async function query(
  { io, signal, openForQuery }: Pick<CommandContext, 'io' | 'signal' | 'openForQuery'>,
  sql: string,
  { format, parameters = {}, maxRows = Infinity, escapeFormulas = false }: QueryOptions,
): Promise<ExitCode> {
  const mirror = await openForQuery();
  try {
    assertParameters(mirror.parametersOf(sql), parameters);
    const result = limitRows(mirror.run(sql, parameters), maxRows);
    await printRows(io.stdout, result, format, { color: usesColor(io), signal, escapeFormulas });
    if (result.wasCut()) {
      complain(io.stderr, `there are more rows: printed only ${counted(maxRows, 'row')}, as --max-rows says`);
    }
  } finally {
    mirror.close();
  }
  return EXIT.done;
}
