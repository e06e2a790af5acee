import { setImmediate } from 'node:timers/promises';
import { InterruptedError, UsageError } from '../model/errors.ts';
import type { Batch, Cell, Queryable, Rows, SqlParameters } from '../store/queryable.ts';

/** A value of a row: an integer is a number, or a bigint if it is beyond 2^53, where a number would lose digits. */
export type SqlValue = null | string | number | bigint | Uint8Array;

/** A row by the names of its columns. */
export type Row = Record<string, SqlValue>;

/**
 * Values for a statement's parameters, by name without the mark: `{ status: 'failed' }` for `:status`. A whole number is
 * bound as an integer, a boolean as 1 or 0, as the mirror stores it.
 */
export type QueryParameters = Readonly<Record<string, null | string | number | bigint | boolean>>;

/** A statement to be run: each loop over it runs it, and reads the rows as they are asked for. */
export interface Query<R extends object = Row> extends AsyncIterable<R> {
  /** Runs it, and returns all of its rows: for a result that fits into memory. Throws as a loop does. */
  all(): Promise<R[]>;
}

/** A statement that rows are being read of. */
interface Reading {
  reader: Queryable;
  batches?: AsyncGenerator<Batch, void>;
}

/**
 * The queries of a mirror. While rows are left of one, it has a reader of its own, and so sees the mirror as it was at its
 * first row. Readers that are idle are used again.
 */
export class Queries {
  readonly #open: () => Promise<Queryable>;
  readonly #idle: Queryable[] = [];
  readonly #readings = new Set<Reading>();
  #isClosed = false;

  constructor(open: () => Promise<Queryable>) {
    this.#open = open;
  }

  /** Throws UsageError for values that cannot be bound. Whatever else is wrong shows when the rows are asked for. */
  query(sql: string, parameters: QueryParameters): Query {
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

  /** Ends the queries that are under way, and releases the file. */
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
      // It may have been closed while the reader was opened.
      this.#assertOpen();
      const { columns, batches } = await reading.reader.run(sql, parameters);
      assertDistinct(columns);
      const read = (reading.batches = each(batches));
      for (let next = await read.next(); next.done !== true;) {
        const batch = next.value;
        next = await read.next();
        // One batch ahead: a short result holds no reader while its rows are worked on.
        if (next.done === true) await this.#release(reading);
        for (const row of batch) yield rowOf(columns, row);
        // SQLite works in this thread: others get their turn.
        await setImmediate();
        if (next.done !== true) this.#assertOpen();
      }
    } finally {
      await this.#release(reading);
    }
  }

  async #release(reading: Reading): Promise<void> {
    if (!this.#readings.delete(reading)) return;
    // Ends the statement, and with it the snapshot that it reads.
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

function valueOf(cell: Cell): SqlValue {
  if (typeof cell !== 'bigint') return cell;
  const number = Number(cell);
  return Number.isSafeInteger(number) ? number : cell;
}

/** An object has room for one value of a name. */
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
      // SQLite has no NaN: it would store, and find, null.
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
