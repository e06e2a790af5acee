import type { Batch, Queryable } from '../queryable.ts';
import { openForQuery, type SqlValue } from './readonly.ts';

/** Rows and characters at which a batch ends: if its rows are long, few are held in memory. */
const ROWS = 1_000;
const CHARACTERS = 64 * 1024;

/** Opens a mirror for read-only SQL. Throws as {@link openForQuery} does. */
export function openQueryable(file: string): Queryable {
  const mirror = openForQuery(file);
  return {
    async run(sql, parameters, { atMost = Infinity } = {}) {
      const { columns, origins, rows } = mirror.run(sql, parameters);
      return { columns, origins, batches: batchesOf(rows, atMost) };
    },
    parametersOf: async (sql) => mirror.parametersOf(sql),
    close: async () => mirror.close(),
  };
}

/** Yields batches. Reads nothing, and holds no snapshot, before the first is asked for. */
async function* batchesOf(rows: Iterable<SqlValue[]>, atMost: number): AsyncGenerator<Batch, void> {
  let batch: SqlValue[][] = [];
  let characters = 0;
  let left = atMost;
  for (const row of rows) {
    batch.push(row);
    for (const cell of row) {
      if (typeof cell === 'string' || cell instanceof Uint8Array) characters += cell.length;
    }
    left -= 1;
    if (left <= 0) break;
    if (batch.length < ROWS && characters < CHARACTERS) continue;
    yield batch;
    batch = [];
    characters = 0;
  }
  if (batch.length > 0) yield batch;
}
