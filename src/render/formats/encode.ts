import { stringify } from 'csv-stringify/sync';
import { jsonEscapes } from '../../model/text.ts';
import type { Batch, Cell } from '../../store/queryable.ts';
import type { RowFormat } from './format.ts';

/** Writes one JSON object per line, keys in column order (rules for values: {@link jsonText}). */
export function jsonLines(columns: readonly string[]): RowFormat {
  const lineOf = jsonObjects(columns);
  return {
    begin: () => '',
    *rows(batch) {
      for (const row of batch) yield `${lineOf(row)}\n`;
    },
    end: () => '',
  };
}

/** Writes one JSON array with one object per line. */
export function jsonArray(columns: readonly string[]): RowFormat {
  const lineOf = jsonObjects(columns);
  let before = '[\n';
  return {
    begin: () => '',
    *rows(batch) {
      for (const row of batch) {
        yield before + lineOf(row);
        before = ',\n';
      }
    },
    end: () => (before === '[\n' ? '[]\n' : '\n]\n'),
  };
}

function jsonObjects(columns: readonly string[]): (row: readonly Cell[]) => string {
  const keys = uniqueNames(columns).map((name) => jsonText(name));
  return (row) => `{${row.map((cell, index) => `${keys[index]}:${jsonText(cell)}`).join(',')}}`;
}

/**
 * Writes CSV by RFC 4180 with a header line and \n as line end. NULL is an empty field and '' is `""`, as in
 * PostgreSQL; BLOBs are hexadecimal. `escapeFormulas` puts ' before every text, names too, that begins like a
 * formula: = + - @, their full-width forms, tab, carriage return, line feed
 * (owasp.org/www-community/attacks/CSV_Injection). Numbers stay.
 */
export function csvLines(
  columns: readonly string[],
  { escapeFormulas = false }: { escapeFormulas?: boolean } = {},
): RowFormat {
  return {
    begin: () => csvText([columns], escapeFormulas),
    *rows(batch) {
      for (let at = 0; at < batch.length; at += TOGETHER) {
        yield csvText(batch.slice(at, at + TOGETHER), escapeFormulas);
      }
    },
    end: () => '',
  };
}

/** Rows that become CSV together, because each call of the library has a cost. */
const TOGETHER = 20;

/** Characters that begin a formula in spreadsheets, or that they skip before they look for one. */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;

function csvText(rows: Batch, escapeFormulas: boolean): string {
  const records = rows.map((row) =>
    row.map((cell) => {
      if (cell instanceof Uint8Array) return hex(cell);
      return escapeFormulas && typeof cell === 'string' && FORMULA.test(cell) ? `'${cell}` : cell;
    }),
  );
  return stringify(records, {
    cast: {
      string: (text) => (text === '' ? { value: '', quoted_empty: true } : text),
      boolean: String,
    },
  });
}

// JSON.stringify keeps these, but terminals act on them and some readers split lines at them.
const RISKY = /[\u007f-\u009f\u2028\u2029]/g;

/**
 * Writes a value as JSON without loss in any reader: integers beyond 2^53 - 1 and infinite numbers are
 * strings, BLOBs are strings of hexadecimal digits.
 */
export function jsonText(cell: Cell): string {
  if (cell instanceof Uint8Array) return `"${hex(cell)}"`;
  if (typeof cell === 'bigint') return isSafe(cell) ? `${cell}` : `"${cell}"`;
  if (typeof cell === 'number' && !Number.isFinite(cell)) return `"${cell}"`;
  return JSON.stringify(cell).replace(RISKY, jsonEscapes);
}

function isSafe(integer: bigint): boolean {
  return integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER;
}

/** Returns bytes as lower case hexadecimal digits, which SQL reads back with unhex(). */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/**
 * Makes names unique: `select 1 as a, 2 as a` gives a and a_2. An object with a key twice would lose a value.
 * A name that the query itself gives stays with its first column: a, a and a_2 become a, a_3 and a_2.
 */
export function uniqueNames(columns: readonly string[]): string[] {
  const taken = new Set<string>(columns);
  return columns.map((name, index) => {
    if (columns.indexOf(name) === index) return name;
    let count = 2;
    while (taken.has(`${name}_${count}`)) count += 1;
    const unique = `${name}_${count}`;
    taken.add(unique);
    return unique;
  });
}
