import { setImmediate } from 'node:timers/promises';
import { InterruptedError, UsageError } from '../model/errors.ts';
import { assertFits, KINDS } from './checks.ts';
import type { Batch, Cell, Queryable, Rows, SqlParameters } from '../store/queryable.ts';

/**
 * A value of a row. An integer is a number, or a bigint beyond 2^53, where a number would lose digits. SQLite has
 * no booleans: 1 and 0 stand for them.
 */
export type SqlValue = null | string | number | bigint | boolean | Uint8Array;

/** A row, keyed by column name. */
export type Row = Record<string, SqlValue>;

/**
 * Values for a statement's parameters, by name without the mark: `{ status: 'failed' }` for `:status`. A
 * whole number is bound as an integer, a boolean as 1 or 0, as the mirror stores it.
 */
export type QueryParameters = Readonly<Record<string, null | string | number | bigint | boolean>>;

/** A statement that each loop runs again; the loop reads the rows as they are asked for. */
export interface Query<R extends object = Row> extends AsyncIterable<R> {
  /** Runs the statement and returns all rows: for a result that fits into memory. Throws as a loop does. */
  all(): Promise<R[]>;
}

/** A statement whose rows are being read. */
interface Reading {
  reader: Queryable;
  batches?: AsyncGenerator<Batch, void>;
}

/**
 * The queries of a mirror. Each has its own reader while it has rows left, and so sees the mirror as it was
 * at its first row. Idle readers are used again.
 */
export class Queries {
  readonly #open: () => Promise<Queryable>;
  readonly #idle: Queryable[] = [];
  readonly #readings = new Set<Reading>();
  #isClosed = false;

  constructor(open: () => Promise<Queryable>) {
    this.#open = open;
  }

  /**
   * Prepares a query. Throws UsageError if `sql` is not a text, and for values that cannot be bound; other
   * errors come when the rows are read.
   */
  query(sql: string, parameters: QueryParameters): Query {
    assertFits('sql', sql, KINDS.text);
    assertFits('parameters', parameters, KINDS.object);
    const bound = boundOf(parameters);
    const rows = () => this.#rows(sql, bound);
    return {
      [Symbol.asyncIterator]: rows,
      async all() {
        const all: Row[] = [];
        for await (const row of rows()) all.push(row);
        return all;
      },
    };
  }

  /** Ends the queries in progress, and releases the file. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#readings].map((reading) => this.#release(reading)));
    await Promise.all(this.#idle.splice(0).map((reader) => reader.close()));
  }

  async *#rows(sql: string, parameters: SqlParameters): AsyncGenerator<Row, void> {
    this.#assertOpen();
    const reading: Reading = { reader: this.#idle.pop() ?? (await this.#open()) };
    this.#readings.add(reading);
    try {
      // The mirror may have been closed while the reader was opened.
      this.#assertOpen();
      const { columns, batches } = await reading.reader.run(sql, parameters);
      assertDistinct(columns);
      const read = (reading.batches = each(batches));
      for (let next = await read.next(); next.done !== true;) {
        const batch = next.value;
        next = await read.next();
        // Read one batch ahead: a short result holds no reader while its rows are processed.
        if (next.done === true) await this.#release(reading);
        for (const row of batch) yield rowOf(columns, row);
        // SQLite works in this thread: let other work run.
        await setImmediate();
        if (next.done !== true) this.#assertOpen();
      }
    } finally {
      await this.#release(reading);
    }
  }

  async #release(reading: Reading): Promise<void> {
    if (!this.#readings.delete(reading)) return;
    // This ends the statement, and with it the snapshot that it reads.
    await reading.batches?.return();
    if (this.#isClosed) await reading.reader.close();
    else this.#idle.push(reading.reader);
  }

  #assertOpen(): void {
    if (this.#isClosed)
      throw new InterruptedError('the mirror was closed before all rows of this query were read');
  }
}

async function* each(batches: Rows['batches']): AsyncGenerator<Batch, void> {
  yield* batches;
}

function rowOf(columns: readonly string[], cells: readonly Cell[]): Row {
  return Object.fromEntries(columns.map((name, index) => [name, valueOf(cells[index] ?? null)]));
}

/** Returns a cell as the library hands it out. */
export function valueOf(cell: Cell): SqlValue {
  if (typeof cell !== 'bigint') return cell;
  const number = Number(cell);
  return Number.isSafeInteger(number) ? number : cell;
}

/** Throws if two columns share a name: an object has one value per name. */
function assertDistinct(columns: readonly string[]): void {
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice === undefined) return;
  const name = JSON.stringify(twice);
  throw new UsageError(
    'column_repeated',
    { column: twice },
    `two columns of this SQL are called ${name}: give one another name, as in "id as other_id"`,
  );
}

function boundOf(parameters: QueryParameters): SqlParameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, boundValue(name, value)]),
  );
}

function boundValue(name: string, value: QueryParameters[string]): SqlParameters[string] {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
      return value ? 1n : 0n;
    case 'number':
      // SQLite has no NaN: it would store and find null.
      if (Number.isNaN(value)) break;
      return Number.isSafeInteger(value) ? BigInt(value) : value;
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) break;
      return value;
    default:
      if (value === null) return null;
  }
  throw new UsageError(
    'parameter_unusable',
    { parameter: name },
    `the parameter "${name}" cannot be bound: expected a text, a number, a bigint of at most 64 bits, a boolean or null`,
  );
}
