import { CommandLineError } from '../../command-line-error.ts';
import type { Batch, Rows } from '../../../store/queryable.ts';
import { grouped } from '../../../render/text.ts';
import { wholeNumber } from '../../arguments/whole-number.ts';

const MOST_ROWS = 1_000_000_000;

/** Parses --max-rows. Throws UsageError. */
export function parseMaxRows(text: string): number {
  const rows = wholeNumber(text, MOST_ROWS);
  if (rows !== null) return rows;
  throw new CommandLineError(
    `--max-rows "${text.slice(0, 100)}" is not a whole number from 1 to ${grouped(MOST_ROWS)}`,
  );
}

/** A result of at most `maxRows` rows. */
export interface LimitedRows extends Rows {
  /** Returns whether rows were left out; known after the rows have been read. */
  wasCut(): boolean;
}

/**
 * Limits a result to `maxRows` rows. Reads one row more, to know whether there are more; none beyond it is
 * needed.
 */
export function limitRows({ columns, batches }: Rows, maxRows: number): LimitedRows {
  let cut = false;
  async function* limited(): AsyncGenerator<Batch, void> {
    let left = maxRows;
    for await (const batch of batches) {
      cut = batch.length > left;
      if (left > 0) yield cut ? batch.slice(0, left) : batch;
      if (cut) return;
      left -= batch.length;
    }
  }
  return { columns, batches: limited(), wasCut: () => cut };
}
