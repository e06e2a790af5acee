import type { Output } from '../platform/terminal.ts';
import type { Rows } from '../store/queryable.ts';
import { DEFAULT_COLUMNS } from './text.ts';
import { writeAll, writeData } from './write.ts';

/** The values of `--format`. */
export const FORMATS = ['table', 'json', 'jsonl', 'csv'] as const;

export type Format = (typeof FORMATS)[number];

/** The values of `export --format`. */
export const EXPORT_FORMATS = ['csv', 'jsonl', 'parquet'] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The values of `changes --format`. */
export const CHANGES_FORMATS = ['jsonl', 'table', 'csv'] as const;

export type ChangesFormat = (typeof CHANGES_FORMATS)[number];

/** The values of `report --format`. */
export const REPORT_FORMATS = [...FORMATS, 'markdown'] as const;

export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface PrintOptions {
  /** Colour on a terminal; a pipe never gets colour. */
  color?: boolean;
  /** Stops a long result between two chunks. */
  signal?: AbortSignal;
  /** In CSV, puts ' before a text that a spreadsheet would read as a formula; numbers stay. */
  escapeFormulas?: boolean;
}

/**
 * Prints a result in constant memory, however long it is, and returns when the reader has taken it or has
 * closed the pipe. `table` is for people: control characters are escaped, and a terminal gets long values
 * cut. The other formats lose nothing (rules: formats/encode.ts); on a terminal, characters that it would act
 * on are escaped. Throws errors of the rows, the signal's reason, and write errors other than EPIPE; rows
 * printed before stay printed.
 */
export async function printRows(
  output: Output,
  result: Rows,
  format: Format,
  { signal, ...options }: PrintOptions = {},
): Promise<void> {
  const write = format === 'table' ? writeAll : writeData;
  await write(output, await rendered(output, result, format, options), signal);
}

/** Loads the format's code only here: every command line reads {@link FORMATS}, but few print rows. */
async function rendered(
  output: Output,
  { columns, batches }: Rows,
  format: Format,
  { color = false, escapeFormulas = false }: PrintOptions,
): Promise<AsyncIterable<string>> {
  const { formatted, regrouped } = await import('./formats/format.ts');
  if (format === 'table') {
    const { LAID_OUT_TOGETHER, plainTable, terminalTable } = await import('./table.ts');
    const table =
      output.isTTY === true
        ? terminalTable(columns, output.columns || DEFAULT_COLUMNS, color)
        : plainTable(columns);
    return formatted(table, { batches: regrouped(batches, LAID_OUT_TOGETHER) });
  }
  const { csvLines, jsonArray, jsonLines } = await import('./formats/encode.ts');
  const encode = { json: jsonArray, jsonl: jsonLines, csv: csvLines }[format];
  return formatted(encode(columns, { escapeFormulas }), { batches });
}
