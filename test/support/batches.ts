import type { Batch, Cell } from '../../src/store/queryable.ts';

/** Rows as a mirror gives them, `size` at a time: read when they are asked for, and let go where the reader leaves. */
export async function* batchesOf(rows: Iterable<readonly Cell[]>, size = 10): AsyncGenerator<Batch> {
  let batch: (readonly Cell[])[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
