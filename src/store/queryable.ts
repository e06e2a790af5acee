/** A value as SQLite gives it: integers of 64 bits as bigint, BLOBs as bytes. */
export type Cell = null | string | number | bigint | Uint8Array;

/** Rows that are handed over together: few enough to be held in memory, also where their values are long. */
export type Batch = readonly (readonly Cell[])[];

/** A result to print. Batches may be lazy; they are read once, in order. */
export interface Rows {
  columns: readonly string[];
  batches: AsyncIterable<Batch> | Iterable<Batch>;
}

/** A result that is held as a whole. */
export interface Table {
  columns: readonly string[];
  rows: Batch;
}

/** Values for a statement's parameters, by name. Numbers are bound as REAL, so give integers as bigint. */
export type SqlParameters = Readonly<Record<string, null | string | number | bigint>>;

/** What a statement gives. */
export interface Queried extends Rows {
  /** For each column, which of a table's its values are taken from, with the declared type; nulls for what is computed. */
  origins: readonly { column: string | null; type: string | null }[];
}

/** A mirror that SQL can be put to, and that refuses SQL which writes. */
export interface Queryable {
  /**
   * Runs one statement, of which no more than `atMost` rows are read. Throws UsageError for SQL that is refused or wrong,
   * DatabaseError where the database is at fault; the batches throw the same.
   */
  run(sql: string, parameters?: SqlParameters, options?: { atMost?: number }): Promise<Queried>;
  /** The names of the statement's parameters, in the order of their first use. Throws as `run` does. */
  parametersOf(sql: string): Promise<string[]>;
  close(): Promise<void>;
}
