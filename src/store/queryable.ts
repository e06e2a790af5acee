/** A value as the database returns it: 64-bit integers as bigint, BLOBs as bytes. SQLite has no booleans. */
export type Cell = null | string | number | bigint | boolean | Uint8Array;

/** Rows that are handed over together: few enough for memory, even if their values are long. */
export type Batch = readonly (readonly Cell[])[];

/** A result to print. Batches may be lazy; read them once, in order. */
export interface Rows {
  columns: readonly string[];
  batches: AsyncIterable<Batch> | Iterable<Batch>;
}

/** A result held in memory as a whole. */
export interface Table {
  columns: readonly string[];
  rows: Batch;
}

/** Values for a statement's parameters, by name. Numbers are bound as REAL, so give integers as bigint. */
export type SqlParameters = Readonly<Record<string, null | string | number | bigint>>;

/** The result of a statement. */
export interface Queried extends Rows {
  /**
   * For each column, the table column that its values come from, with the declared type in SQLite's words
   * (INTEGER, REAL, TEXT, BLOB), BOOLEAN or TIMESTAMP; nulls if computed.
   */
  origins: readonly { column: string | null; type: string | null }[];
}

/** A mirror that runs read-only SQL and refuses SQL that writes. */
export interface Queryable {
  /**
   * Runs one statement and reads at most `atMost` of its rows. Throws UsageError for SQL that is refused or
   * wrong, DatabaseError if the database is at fault; the batches throw the same.
   */
  run(sql: string, parameters?: SqlParameters, options?: { atMost?: number }): Promise<Queried>;
  /** Returns the names of the statement's parameters, in order of first use. Throws as `run` does. */
  parametersOf(sql: string): Promise<string[]>;
  close(): Promise<void>;
}
