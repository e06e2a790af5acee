import type { Batch, Rows } from '../../store/queryable.ts';

/** A format for rows. One that keeps state works for one result only. */
export interface RowFormat {
  /** Returns the text before the first row. */
  begin(): string;
  /** Returns a piece for each row, or for several: rows may be long, so a batch does not become one text. */
  rows(batch: Batch): Iterable<string>;
  /** Returns the text after the last row. */
  end(): string;
}

/** Minimum characters of a piece that is handed over. */
const PIECE = 64 * 1024;

/** Writes a result as text, in pieces that are long enough to be worth a write. */
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

/** Writes rows that are in memory as text. */
export function* formattedAtOnce(format: RowFormat, rows: Batch): Generator<string> {
  yield format.begin();
  yield* format.rows(rows);
  yield format.end();
}

/** Regroups rows into batches of `size`; the last one may be smaller. */
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
