import type { Batch, Rows } from '../../store/queryable.ts';

/** How rows are written. One that remembers what came before is good for one result. */
export interface RowFormat {
  /** What stands before the first row. */
  begin(): string;
  /** A piece for each row, or for several: the rows of a batch may be long, so they are not made one text. */
  rows(batch: Batch): Iterable<string>;
  /** What stands after the last row. */
  end(): string;
}

/** Characters that are worth handing over. */
const PIECE = 64 * 1024;

/** A result as text, piece by piece, each at least as long as is worth a write. */
export async function* formatted(
  format: RowFormat,
  { batches }: Pick<Rows, 'batches'>,
): AsyncGenerator<string> {
  let piece = format.begin();
  for await (const batch of batches) {
    for (const text of format.rows(batch)) {
      piece += text;
      if (piece.length < PIECE) continue;
      yield piece;
      piece = '';
    }
  }
  yield piece + format.end();
}

/** The same of rows that are at hand. */
export function* formattedAtOnce(format: RowFormat, rows: Batch): Generator<string> {
  yield format.begin();
  yield* format.rows(rows);
  yield format.end();
}

/** The same rows in batches of `size`, but for the last. */
export async function* regrouped(batches: Rows['batches'], size: number): AsyncGenerator<Batch> {
  let group: Batch[number][] = [];
  for await (const batch of batches) {
    for (const row of batch) {
      group.push(row);
      if (group.length < size) continue;
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}
