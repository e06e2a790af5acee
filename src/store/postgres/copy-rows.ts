import type { CopiedTable, CopyReadable, CopyRow } from '../copyable.ts';
import { BATCH_CHARACTERS, BATCH_ROWS, charactersOf } from '../sql/copied-columns.ts';
import { decoder, encoder } from './copy-cells.ts';
import type { CopyConnection } from './copy-connection.ts';
import { allSql, countSql, findSql } from './copy-sql.ts';

/** Rows that are fetched before it is known how long they are. */
const FIRST_ROWS = 100;

/**
 * Reads the rows of a mirror through one connection, in the transaction that is open there, or in one for each
 * table. `s` is the quoted name of the schema with a dot.
 */
export function readable(
  { ask }: CopyConnection,
  s: string,
  { batchRows = BATCH_ROWS, inTransaction }: { batchRows?: number | undefined; inTransaction: boolean },
): Pick<CopyReadable, 'count' | 'batches' | 'find'> {
  async function* batches(table: CopiedTable): AsyncGenerator<CopyRow[], void> {
    const decode = decoder(table);
    await ask(`declare copied no scroll cursor for ${allSql(s, table)}`);
    let size = Math.min(batchRows, FIRST_ROWS);
    for (;;) {
      const rows = (await ask(`fetch ${size} from copied`)).map(decode);
      if (rows.length === 0) break;
      const characters = rows.reduce((sum, row) => sum + charactersOf(row), 0);
      yield rows;
      const fitting = Math.floor((BATCH_CHARACTERS * rows.length) / characters);
      size = Math.max(1, Math.min(batchRows, fitting));
    }
    await ask('close copied');
  }

  return {
    async count(table) {
      const [row] = await ask(countSql(s, table));
      return Number(row?.[0] ?? 0);
    },

    async *batches(table) {
      if (inTransaction) {
        yield* batches(table);
        return;
      }
      await ask('begin isolation level repeatable read');
      let end = 'rollback';
      try {
        yield* batches(table);
        end = 'commit';
      } finally {
        // After a failure, that one is to be reported.
        await (end === 'commit' ? ask(end) : ask(end).catch(() => {}));
      }
    },

    async find(table, rows) {
      const decode = decoder(table);
      const found = Array.from<CopyRow | undefined>({ length: rows.length });
      for (const [n, ...values] of await ask(findSql(s, table), [JSON.stringify(rows.map(encoder(table)))])) {
        found[Number(n)] = decode(values);
      }
      return found;
    },
  };
}
