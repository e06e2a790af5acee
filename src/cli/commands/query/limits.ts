import { CommandLineError } from '../../command-line-error.ts';
import type { Cell, Rows } from '../../../store/queryable.ts';
import { wholeNumber } from '../../arguments/whole-number.ts';

const MOST_ROWS = 1_000_000_000;

/** The value of --max-rows. Throws UsageError. */
export function parseMaxRows(text: string): number {
  const rows = wholeNumber(text, MOST_ROWS);
  if (rows !== null) return rows;
  throw new CommandLineError(
    `--max-rows "${text.slice(0, 100)}" is not a whole number from 1 to ${MOST_ROWS}`,
  );
}

/** A result that ends after `maxRows` rows at the latest. */
export interface LimitedRows extends Rows {
  /** Whether rows were left out; known once the rows have been read. */
  wasCut(): boolean;
}

/** Reads one row more than it gives, to know whether there was one. */
export function limitRows({ columns, rows }: Rows, maxRows: number): LimitedRows {
  let cut = false;
  function* limited(): Generator<readonly Cell[], void> {
    let count = 0;
    for (const row of rows) {
      if (count++ === maxRows) {
        cut = true;
        return;
      }
      yield row;
    }
  }
  return { columns, rows: limited(), wasCut: () => cut };
}
