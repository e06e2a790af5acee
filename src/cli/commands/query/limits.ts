import { UsageError } from '../../../model/errors.ts';
import type { Batch, Rows } from '../../../store/queryable.ts';
import { wholeNumber } from '../../arguments/whole-number.ts';

const MOST_ROWS = 1_000_000_000;

/** The value of --max-rows. Throws UsageError. */
export function parseMaxRows(text: string): number {
  const rows = wholeNumber(text, MOST_ROWS);
  if (rows !== null) return rows;
  throw new UsageError(`--max-rows "${text.slice(0, 100)}" is not a whole number from 1 to ${MOST_ROWS}`);
}

/** A result that ends after `maxRows` rows at the latest. */
export interface LimitedRows extends Rows {
  /** Whether rows were left out; known once the rows have been read. */
  wasCut(): boolean;
}

/** Reads one row more than it gives, to know whether there was one; of a statement no more need be read. */
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
