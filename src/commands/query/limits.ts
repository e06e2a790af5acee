import { UsageError } from '../../errors.ts';
import type { Cell, Rows } from '../output/encode.ts';
import { wholeNumber } from '../whole-number.ts';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);
const LONGEST_MS = 24 * 3_600_000;
const MOST_ROWS = 1_000_000_000;

/** The value of --timeout, in ms. Throws UsageError. */
export function parseTimeout(text: string): number {
  const { amount, unit = '' } =
    /^(?<amount>\d{1,9}(?:\.\d{1,3})?)(?<unit>ms|s|m|h)$/.exec(text)?.groups ?? {};
  const ms = Number(amount) * (UNITS.get(unit) ?? Number.NaN);
  if (ms >= 1 && ms <= LONGEST_MS) return Math.ceil(ms);
  throw new UsageError(`--timeout "${text.slice(0, 100)}" is not a time from 1ms to 24h`, {
    hint: 'Write a number and its unit: 500ms, 30s, 2m, 1h.',
  });
}

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

/** Reads one row more than it gives, to know whether there was one. */
export function limitRows({ columns, rows }: Rows, maxRows: number): LimitedRows {
  let cut = false;
  function* limited(): Generator<readonly Cell[], void> {
    let count = 0;
    for (const row of rows) {
      if (count++ === maxRows) {
        cut = true;
        return;
      }
      yield row;
    }
  }
  return { columns, rows: limited(), wasCut: () => cut };
}
