import type { Piece, Span, Unit } from '../model/zone.ts';
import type { Queryable, Table } from './queryable.ts';

/** A value of a report: integers within 2^53, ratios from 0 to 1, times as UTC text. */
export type Value = null | string | number;

/** Values by name for a statement; integers as bigint, because a number would be bound as REAL. */
export type Parameters = Readonly<Record<string, null | string | bigint>>;

/** Runs one SELECT and gives its rows, columns in order. A value of a statement that is beyond 2^53 may lose digits. */
export type Ask = (sql: string, parameters: Parameters) => Promise<readonly (readonly Value[])[]>;

/** A WHERE clause with the values that it names. */
export interface Filter {
  where: string;
  parameters: Parameters;
}

/** Local days or hours whose tasks are to be measured. */
export interface PiecesQuestion {
  /** Which tasks, apart from the period. */
  filter: Filter;
  /** What computes the measures, as a select list. */
  measures: string;
  /** In order, without a hole between them. */
  pieces: readonly Piece[];
  /** What the pieces were cut from, and into what. */
  spans: readonly Span[];
  unit: Unit;
}

/**
 * What databases say in different words. Reports write all other SQL in words that SQLite and PostgreSQL understand alike:
 * `:name` for values, times compared with UTC text, `nulls first` wherever a sorted column may be null.
 */
export interface Dialect {
  /** A percentile of a column of ms, between neighbours, as a whole number; null where the column has no value. */
  percentile(column: string, percent: number): string;
  /** Whole ms from one time to another; null where one of them is. Either may be a parameter. */
  msBetween(from: string, to: string): string;
  /** Of a group: the id of the task that was created last. */
  lastCreatedId: string;
  /** The tasks, found by the index of the few that are open. */
  openTasks: string;
  /** Before a column in a WHERE: keeps the engine from searching an index for it where reading another one through costs less. */
  unsearched: string;
  /** The shortest name of a row of tasks, to find it again within one statement. */
  rowKey: string;
  /** What sorts the changes of one task in the order in which they were noted. */
  changeOrder: string;
  /** The measures of each piece, in their order; of one without tasks too. */
  measurePieces(ask: Ask, question: PiecesQuestion): Promise<(readonly Value[])[]>;
}

/** What to look for among tasks. */
export interface SearchQuestion {
  /** Words, all of which a task has to hold; with `raw` a query of the engine's own language. */
  text: string;
  raw: boolean;
  filter: Filter;
  /** Tasks at most. */
  limit: number;
  /** What stands before and after each word that was found. */
  marks: readonly [open: string, close: string];
}

/** How far a full text index is built. */
export interface SearchProgress {
  built: number;
  tasks: number;
}

/** A mirror that reports, search and history are asked of. */
export interface Reportable extends Queryable {
  dialect: Dialect;
  /** Null: there is no index. */
  searchProgress(): Promise<SearchProgress | null>;
  /**
   * The tasks that fit best first: id, status, username, created_at, rank (lower is better) and a snippet. Throws UsageError
   * where there is nothing to search for, or where a raw query is wrong.
   */
  search(question: SearchQuestion): Promise<Table>;
}
