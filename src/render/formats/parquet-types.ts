import type { SchemaElement } from 'hyparquet-writer';
import type { Cell } from '../../store/queryable.ts';
import { hex } from './encode.ts';

/** A cell's value in a Parquet file. */
type Value = string | number | bigint | boolean | Uint8Array;

/** A type of a Parquet column (github.com/apache/parquet-format, LogicalTypes.md). */
export interface ParquetType {
  /** The name of the type in SQL. */
  name: string;
  element: Omit<SchemaElement, 'name'>;
  /** Returns the cell as a value of this type; undefined if it does not have this type. */
  encode(cell: Exclude<Cell, null>): Value | undefined;
}

const INTEGER: ParquetType = {
  name: 'INTEGER',
  element: { type: 'INT64', repetition_type: 'OPTIONAL' },
  encode: (cell) => (typeof cell === 'bigint' ? cell : undefined),
};

/** Accepts integers, too, if they lose no digit as a real number. */
const REAL: ParquetType = {
  name: 'REAL',
  element: { type: 'DOUBLE', repetition_type: 'OPTIONAL' },
  encode: (cell) => {
    if (typeof cell === 'number') return cell;
    return typeof cell === 'bigint' && BigInt(Number(cell)) === cell ? Number(cell) : undefined;
  },
};

const BLOB: ParquetType = {
  name: 'BLOB',
  element: { type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
  encode: (cell) => (cell instanceof Uint8Array ? cell : undefined),
};

/** Accepts every value: numbers in decimal digits, BLOBs in hexadecimal ones. */
const TEXT: ParquetType = {
  name: 'TEXT',
  element: {
    type: 'BYTE_ARRAY',
    converted_type: 'UTF8',
    logical_type: { type: 'STRING' },
    repetition_type: 'OPTIONAL',
  },
  encode: (cell) => (cell instanceof Uint8Array ? hex(cell) : String(cell)),
};

const BOOLEAN: ParquetType = {
  name: 'BOOLEAN',
  element: { type: 'BOOLEAN', repetition_type: 'OPTIONAL' },
  encode: (cell) => {
    if (typeof cell === 'boolean') return cell;
    return cell === 0n || cell === 1n ? cell === 1n : undefined;
  },
};

/** UTC text as the mirror writes it. */
const TIMESTAMP: ParquetType = {
  name: 'TIMESTAMP',
  element: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
    repetition_type: 'OPTIONAL',
  },
  encode: (cell) => {
    const ms = typeof cell === 'string' && cell.length === 24 ? Date.parse(cell) : NaN;
    return Number.isFinite(ms) && new Date(ms).toISOString() === cell ? BigInt(ms) : undefined;
  },
};

/** Columns of the mirror that hold times, and those that hold 0 or 1 for no and yes in SQLite (docs/schema.md). */
const TIMES = /_at$|^(?:watermark|complete_through|lower|upper)$/;
const BOOLEANS = /^(?:show_in_history|auto_execute)$/;

/**
 * Returns the type for a column: its name and declared type suggest types, and the first that accepts all of
 * `sample` (the values of the first row group) is used. A computed column has no declared type: its values
 * decide. Without values it is text, which accepts every later one.
 */
export function columnType(name: string, declared: string | null, sample: readonly Cell[]): ParquetType {
  const cells = sample.filter((cell) => cell !== null);
  const suggested = [
    ...(declared === 'TIMESTAMP' || TIMES.test(name) ? [TIMESTAMP] : []),
    ...(declared === 'BOOLEAN' || (BOOLEANS.test(name) && declared === 'INTEGER') ? [BOOLEAN] : []),
    ...(declared === 'INTEGER' ? [INTEGER] : []),
    ...(declared === 'REAL' ? [REAL] : []),
    ...(declared === 'BLOB' ? [BLOB] : []),
    ...(declared === null && cells.length > 0 ? [INTEGER, REAL, BLOB, BOOLEAN] : []),
  ];
  return suggested.find((type) => cells.every((cell) => type.encode(cell) !== undefined)) ?? TEXT;
}
