import { EXIT, type ExitCode } from '../../exit.ts';
import { complain } from '../../../platform/terminal.ts';
import type { CommandContext } from '../../context.ts';
import type { SqlParameters } from '../../../store/queryable.ts';
import { printRows } from '../../../render/rows.ts';
import type { Format } from '../../../render/rows.ts';
import { counted, usesColor } from '../../../render/text.ts';
import { limitRows } from './limits.ts';
import { assertParameters } from './parameters.ts';

export interface QueryOptions {
  format: Format;
  /** A value for each of the statement's parameters, and no others. */
  parameters?: SqlParameters;
  /** The most rows to print; stderr reports if there were more. */
  maxRows?: number | undefined;
  /** Time limit of the statement, on an engine that can stop one. */
  timeoutMs?: number | undefined;
  /** In CSV, keeps spreadsheets from reading text as a formula. */
  escapeFormulas?: boolean;
}

/** Runs one statement and prints its rows as they come. Throws UsageError for refused or wrong SQL. */
export async function query(
  { io, signal, openForQuery }: Pick<CommandContext, 'io' | 'signal' | 'openForQuery'>,
  sql: string,
  { format, parameters = {}, maxRows = Infinity, escapeFormulas = false, timeoutMs }: QueryOptions,
): Promise<ExitCode> {
  const mirror = await openForQuery(timeoutMs === undefined ? {} : { timeoutMs });
  try {
    assertParameters(await mirror.parametersOf(sql), parameters);
    const result = limitRows(await mirror.run(sql, parameters, { atMost: maxRows + 1 }), maxRows);
    await printRows(io.stdout, result, format, { color: usesColor(io), signal, escapeFormulas });
    if (result.wasCut()) {
      complain(io.stderr, `there are more rows: printed only ${counted(maxRows, 'row')}, as --max-rows says`);
    }
  } finally {
    await mirror.close();
  }
  return EXIT.done;
}
