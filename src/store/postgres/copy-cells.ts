import type { CopiedTable, CopyCell, CopyRow } from '../copyable.ts';
import { COPIED_COLUMNS, type CopiedColumn, placesIn } from '../sql/copied-columns.ts';
import { keyOf } from './commit.ts';
import { decodeNul, encodeNul } from './nul.ts';
import { FIRST } from './source-state.ts';

/** Returns whether PostgreSQL has no such moment. */
export const isTooEarly = ({ kind }: CopiedColumn, cell: CopyCell | undefined): boolean =>
  kind === 'time' && typeof cell === 'string' && cell < FIRST;

/**
 * Returns a row as PostgreSQL can hold it: an edge of what is known that is earlier than all of its moments
 * becomes the first of them.
 */
export function fitted(table: CopiedTable, row: CopyRow): CopyRow {
  const columns = COPIED_COLUMNS[table];
  if (!columns.some((column, at) => isTooEarly(column, row[at]))) return row;
  return columns.map((column, at) => (isTooEarly(column, row[at]) ? FIRST : (row[at] ?? null)));
}

/** Returns a function that makes of a row what `json_to_recordset` reads; `n` is its place. */
export function encoder(table: CopiedTable): (row: CopyRow, n: number) => object {
  const columns = COPIED_COLUMNS[table];
  return (row, n) => {
    const encoded: Record<string, unknown> = { n };
    for (const [at, column] of columns.entries()) encoded[column.name] = encode(table, column, row[at]);
    return encoded;
  };
}

function encode(table: CopiedTable, { name, kind }: CopiedColumn, cell: CopyCell = null): unknown {
  if (cell === null) return null;
  if (kind === 'boolean') return cell === 1;
  if (typeof cell !== 'string' || kind === 'name' || kind === 'time') return cell;
  return table === 'rejected_rows' && name === 'row_key' ? keyOf(cell, '') : encodeNul(cell);
}

/** Returns a function that makes a row of the values that the driver gives. */
export function decoder(table: CopiedTable): (values: readonly unknown[]) => CopyRow {
  const columns = COPIED_COLUMNS[table];
  const decode = (values: readonly unknown[]): CopyCell[] =>
    columns.map(({ kind }, at) => {
      const value = values[at] ?? null;
      if (typeof value === 'boolean') return value ? 1 : 0;
      if (typeof value === 'string' && (kind === 'text' || kind === 'json')) return decodeNul(value);
      return value as CopyCell;
    });
  if (table !== 'rejected_rows') return decode;
  const [key = 0, id = 0] = placesIn(table, ['row_key', 'task_id']);
  return (values) => {
    const row = decode(values);
    const taskId = row[id];
    // The key stands for an id that is too long for one.
    if (typeof taskId === 'string' && row[key] === keyOf(taskId, '')) row[key] = taskId;
    return row;
  };
}
