import { type CustomTypesConfig, types } from 'pg';
import type { Cell } from '../queryable.ts';
import { decodeNul } from './nul.ts';
import { utcOf } from './parsers.ts';

const { BOOL, BYTEA, INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, TIMESTAMPTZ } = types.builtins;
const { TEXT, VARCHAR, BPCHAR, OID } = types.builtins;

type Read = (text: string) => Cell;

/** For people and files; what is not here is as PostgreSQL writes it: numeric, dates, intervals, lists, JSON. */
const READS: Readonly<Record<number, Read>> = {
  [BOOL]: (text) => text === 't',
  [INT2]: BigInt,
  [INT4]: BigInt,
  [INT8]: BigInt,
  [OID]: BigInt,
  [FLOAT4]: Number,
  [FLOAT8]: Number,
  [TIMESTAMPTZ]: utcOf,
  [BYTEA]: (text) => Buffer.from(text.slice(2), 'hex'),
  [TEXT]: decodeNul,
  [VARCHAR]: decodeNul,
  [BPCHAR]: decodeNul,
};

const reading = (reads: Readonly<Record<number, Read>>): CustomTypesConfig => ({
  getTypeParser: (oid: number) => reads[oid] ?? ((text: string) => text),
});

/** Reads values as cells of a query. */
export const CELLS = reading(READS);

/** The same for reports, which count in plain numbers. */
export const FIGURES = reading({ ...READS, [NUMERIC]: Number });

/** Types by the names that SQLite has for them, if it has one. */
const DECLARED: Readonly<Record<number, string>> = {
  [BOOL]: 'BOOLEAN',
  [INT2]: 'INTEGER',
  [INT4]: 'INTEGER',
  [INT8]: 'INTEGER',
  [FLOAT4]: 'REAL',
  [FLOAT8]: 'REAL',
  [BYTEA]: 'BLOB',
  [TIMESTAMPTZ]: 'TIMESTAMP',
};

/** Returns the type that a column is declared with; TEXT for all whose cells are any text. */
export function declaredType(oid: number): string {
  return DECLARED[oid] ?? 'TEXT';
}

const INTEGERS = new Set<number>([INT2, INT4, INT8, OID]);
/** The bits of the types that a value may not fit into. */
const BITS: Readonly<Record<number, number>> = { [INT2]: 16, [INT4]: 32 };

/**
 * Returns the type to cast a parameter to whose type PostgreSQL took from its surroundings; null if the value
 * fits. It takes `:n` in `:n + 1` for a 4-byte integer, whatever the value is.
 */
export function betterType(inferred: number, value: null | string | number | bigint): string | null {
  if (typeof value === 'number') return INTEGERS.has(inferred) ? 'double precision' : null;
  const bits = BITS[inferred];
  if (typeof value !== 'bigint' || bits === undefined) return null;
  return BigInt.asIntN(bits, value) === value ? null : 'bigint';
}

/** Returns the type of a value on its own. */
export function typeOfValue(value: null | string | number | bigint): string {
  if (typeof value === 'bigint') return 'bigint';
  return typeof value === 'number' ? 'double precision' : 'text';
}
